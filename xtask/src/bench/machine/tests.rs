//! Days become dates, and the description gives nothing away.

use super::{civil, describe, model};

#[test]
fn days_become_dates_over_leap_years_and_centuries() {
    for (days, date) in [
        (0, (1970, 1, 1)),
        (-1, (1969, 12, 31)),
        (11_016, (2000, 2, 29)),
        (11_017, (2000, 3, 1)),
        (19_782, (2024, 2, 29)),
        (47_540, (2100, 2, 28)),
        (47_541, (2100, 3, 1)),
    ] {
        assert_eq!(civil(days), date, "{days}");
    }
}

#[test]
fn the_processor_is_read_from_its_line() {
    assert_eq!(model("processor\t: 0\nmodel name\t: A Fine CPU\n"), Some("A Fine CPU"));
    assert_eq!(model("processor\t: 0\n"), None);
}

#[test]
fn the_description_holds_no_path() {
    assert!(!describe().contains('/'), "{}", describe());
}
