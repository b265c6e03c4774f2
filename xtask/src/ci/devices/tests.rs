//! What is left out, and what not.

use super::{FEATURES, without_devices};
use crate::tidy::lists::Lists;

#[test]
fn without_devices_every_other_feature_is_still_on() {
    let lists = Lists::parse(
        "top = []\n[package.a]\nfolder = \"a\"\nabout = \"a\"\nfeatures = [\"audio\", \"samples\"]\n\
         [package.b]\nfolder = \"b\"\nabout = \"b\"\nfeatures = [\"devices\", \"mock\"]\n\
         [package.c]\nfolder = \"fuzz\"\nabout = \"c\"\nfeatures = [\"own\"]\n",
    )
    .unwrap();
    assert_eq!(without_devices(&lists), ["--features", "a/samples,b/mock"]);
}

#[test]
fn each_of_them_is_a_feature_of_some_package() {
    let lists = Lists::parse(include_str!("../../../tidy.toml")).unwrap();
    for feature in FEATURES {
        assert!(lists.package.values().any(|package| package.features.iter().any(|own| own == feature)));
    }
}
