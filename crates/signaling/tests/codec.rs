//! The codec at its borders: limits, damage, messages from the future. Facts named by the bug or
//! threat they answer (`G..`, `S..`); fuzzing goes on from here.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too, stop at the first surprise

use offhook_signaling::*;
use serde_json::{Map, Value, json};

fn frames() -> Vec<(&'static str, String)> {
    let client = examples::from_client().into_iter().map(|m| ("client", text(&m)));
    client.chain(examples::from_server().into_iter().map(|m| ("server", text(&m)))).collect()
}

fn text<M: Message>(message: &M) -> String {
    encode(message.is_reliable().then_some(1), 0, message).unwrap()
}

/// Decodes for whichever side and reports the error and the count of unknown things.
fn read(side: &str, text: &str) -> Result<(usize, String), DecodeError> {
    match side {
        "client" => decode_from_client(text).map(|f| (f.unknown.count(), f.encode().unwrap())),
        _ => decode_from_server(text).map(|f| (f.unknown.count(), f.encode().unwrap())),
    }
}

/// Every string in a frame, with a way to replace it.
fn string_paths(value: &Value, path: &mut Vec<String>, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(format!("/{}", path.join("/"))),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                path.push(i.to_string());
                string_paths(item, path, found);
                path.pop();
            }
        }
        Value::Object(members) => {
            for (name, item) in members {
                path.push(name.clone());
                string_paths(item, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn strings_of(text: &str) -> (Value, Vec<String>) {
    let value: Value = serde_json::from_str(text).unwrap();
    let mut found = Vec::new();
    string_paths(&value, &mut Vec::new(), &mut found);
    (value, found)
}

#[test]
fn every_example_comes_back_as_it_went() {
    for message in examples::from_client() {
        let frame = decode_from_client(text(&message)).unwrap();
        assert_eq!(frame.message, message);
        assert_eq!(frame.unknown, Unknowns::default(), "{}", message.kind());
    }
    for message in examples::from_server() {
        let frame = decode_from_server(text(&message)).unwrap();
        assert_eq!(frame.message, message);
        assert_eq!(frame.unknown, Unknowns::default(), "{}", message.kind());
    }
}

/// G1 (livekit/client-sdk-js#568), G2 (fern-api/fern#13122).
#[test]
fn a_type_from_the_future_is_counted_and_carried() {
    let frame = decode_from_server(r#"{"type":"hologram","seq":4,"ack":2,"id":9,"depth":3}"#).unwrap();
    assert_eq!((frame.seq, frame.ack, frame.unknown.count()), (Some(4), 2, 1));
    let FromServer::Other(unknown) = &frame.message else { panic!("{frame:?}") };
    assert_eq!((unknown.kind.as_str(), unknown.id), ("hologram", Some(9)));
    assert_eq!(unknown.members.get("depth"), Some(&json!(3)));
    let answer = unknown.answer().expect("a request is answered");
    assert!(
        encode(None, 0, &FromClient::Unsupported(answer)).unwrap().contains(r#""id":9,"what":"hologram""#)
    );
    assert_eq!(decode_from_server(frame.encode().unwrap()).unwrap(), frame);
}

/// G1, G2.
#[test]
fn a_field_from_the_future_is_counted_and_carried_at_any_depth_of_every_message() {
    fn add_everywhere(value: &mut Value, added: &mut usize, inside_data: bool) {
        match value {
            Value::Object(members) => {
                for (name, item) in members.iter_mut() {
                    add_everywhere(item, added, inside_data || name == "data");
                }
                if !inside_data {
                    members.insert("from_the_future".to_owned(), json!({"deep": [1, "x"]}));
                    *added += 1;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|i| add_everywhere(i, added, inside_data)),
            _ => {}
        }
    }
    for (side, text) in frames() {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        let mut added = 0;
        add_everywhere(&mut value, &mut added, false);
        let (count, again) = read(side, &value.to_string()).unwrap();
        assert_eq!(count, added, "{value}");
        assert_eq!(again, text, "what was understood is what there was");
    }
    let frame = decode_from_server(r#"{"type":"ping","id":1,"tint":"blue"}"#).unwrap();
    assert_eq!(frame.unknown.fields, [("tint".to_owned(), json!("blue"))]);
}

/// G1, G2: the codes are open lists.
#[test]
fn a_code_word_from_the_future_is_counted_and_carried() {
    let frame = decode_from_server(r#"{"type":"ended","reason":"asteroid","by":"moon","text":""}"#).unwrap();
    let FromServer::Ended(ended) = &frame.message else { panic!("{frame:?}") };
    assert_eq!(ended.reason, EndCode::Other("asteroid".to_owned()));
    assert_eq!(frame.unknown.words, 2);
    assert!(frame.encode().unwrap().contains("asteroid"));
}

/// Holds the hand-written lists of code fields to the messages themselves: whatever field takes a
/// known word and any other word as well is a code, and must be counted.
#[test]
fn every_code_field_of_every_message_counts_its_unknown_words() {
    let known: Vec<&str> = CODE_LISTS.iter().flat_map(|(_, words)| words.iter().copied()).collect();
    let codes = ["reason", "kind", "by", "why", "step", "item", "code", "strategy", "role", "attendance"];
    let lists = ["features", "requires"];
    let mut reached = 0;
    for (side, text) in frames() {
        let (value, paths) = strings_of(&text);
        for path in paths {
            let mut names = path.rsplit('/');
            let (last, before) = (names.next().unwrap(), names.next().unwrap_or(""));
            let is_code = codes.contains(&last) && before != "session" || lists.contains(&before);
            let word = value.pointer(&path).and_then(Value::as_str).unwrap();
            if !is_code {
                continue;
            }
            assert!(known.contains(&word), "{path} of {text} is a code field with an unlisted word");
            let mut changed = value.clone();
            *changed.pointer_mut(&path).unwrap() = json!("word_of_the_future");
            assert_eq!(read(side, &changed.to_string()).unwrap().0, 1, "{path} of {text}");
            reached += 1;
        }
    }
    assert!(reached > 40, "only {reached} code fields were reached");
}

/// S7: larger than the limit is refused before it is parsed.
#[test]
fn a_frame_of_64_kib_is_read_and_one_byte_more_is_refused() {
    let head = r#"{"type":"ping","id":1,"padding":""#;
    let pad = |size: usize| format!("{head}{}\"}}", "x".repeat(size - head.len() - 2));
    assert_eq!(decode_from_server(pad(limits::FRAME_BYTES)).unwrap().unknown.count(), 1);
    let error = decode_from_server(pad(limits::FRAME_BYTES + 1)).unwrap_err();
    assert_eq!(error, DecodeError::TooLarge { size: limits::FRAME_BYTES + 1, limit: limits::FRAME_BYTES });
    assert_eq!(error.close_code(), 1009);
}

#[test]
fn what_is_not_a_frame_is_a_typed_error_with_its_place() {
    let error = |bytes: &[u8]| decode_from_server(bytes).unwrap_err();
    assert_eq!(error(b"{\"type\":\"\xff\"}"), DecodeError::NotUtf8 { at: 9 });
    assert_eq!(error(b""), DecodeError::NotJson { line: 1, column: 0 });
    assert_eq!(error(b"{\n  \"type\": ping}"), DecodeError::NotJson { line: 2, column: 11 });
    assert_eq!(error(b"{} {}"), DecodeError::NotJson { line: 1, column: 4 });
    assert_eq!(error(b"[1]"), DecodeError::NotAnObject);
    assert_eq!(error(b"null"), DecodeError::NotAnObject);
    assert_eq!(error(b"{}"), DecodeError::NoType);
    assert_eq!(error(b"{\"type\":7}"), DecodeError::NoType);
    assert_eq!(error(b"{\"type\":\"ping\",\"id\":1,\"seq\":0}"), DecodeError::BadEnvelope { field: "seq" });
    assert_eq!(error(b"{\"type\":\"ping\",\"id\":1,\"ack\":-1}"), DecodeError::BadEnvelope { field: "ack" });
    assert_eq!(error(b"{\"type\":\"acked\",\"revision\":1}"), DecodeError::SeqMissing { kind: "acked" });
    let DecodeError::WrongShape { kind: "ping", what } = error(b"{\"type\":\"ping\"}") else { panic!() };
    assert!(what.contains("id"), "{what}");
}

#[test]
fn nesting_beyond_the_limit_is_refused_whatever_hides_in_strings() {
    let nest = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!(r#"{{"type":"ping","id":1,"x":{open}{close}}}"#)
    };
    assert_eq!(decode_from_server(nest(limits::DEPTH)).unwrap().unknown.count(), 1);
    assert_eq!(
        decode_from_server(nest(limits::DEPTH + 1)).unwrap_err(),
        DecodeError::TooDeep { limit: limits::DEPTH }
    );
    let quoted = format!(r#"{{"type":"ping","id":1,"x":"{}\"["}}"#, "[".repeat(1000));
    assert_eq!(decode_from_server(quoted).unwrap().unknown.count(), 1);
    assert!(decode_from_server("[".repeat(limits::FRAME_BYTES)).is_err());
}

#[test]
fn numbers_end_at_2_to_the_53_minus_1_everywhere() {
    let good = 9_007_199_254_740_991u64;
    let ping = |n: &str| decode_from_server(format!(r#"{{"type":"ping","id":{n}}}"#));
    assert_eq!(ping(&good.to_string()).unwrap().message, FromServer::Ping(Ping { id: good }));
    for bad in ["9007199254740992", "18446744073709551615", "18446744073709551616", "-9007199254740992"] {
        let expected = FieldFault::NumberTooLarge { field: "id".to_owned() };
        assert_eq!(ping(bad).unwrap_err(), expected.into(), "{bad}");
    }
    let nested = r#"{"type":"ping","id":1,"x":{"y":[9007199254740992]}}"#;
    let expected = FieldFault::NumberTooLarge { field: "x.y".to_owned() };
    assert_eq!(decode_from_server(nested).unwrap_err(), expected.into());
    let seq = r#"{"type":"ping","id":1,"seq":9007199254740992}"#;
    assert!(matches!(decode_from_server(seq), Err(DecodeError::Field(_))));
    assert!(encode(None, good + 1, &FromServer::Ping(Ping { id: 1 })).is_err());
    assert!(encode(None, 0, &FromServer::Ping(Ping { id: good + 1 })).is_err());
}

/// S6: nothing that could end a line of SDP, of a URL or of a log gets in; the field list is the
/// messages' own, so a new field cannot be forgotten.
#[test]
fn control_characters_and_overlong_text_are_refused_in_every_text_field() {
    let mut reached = 0;
    for (side, text) in frames() {
        let (value, paths) = strings_of(&text);
        for path in paths.iter().filter(|path| !path.contains("/data")) {
            for (bad, what) in [("a\u{0}b".to_owned(), "NUL"), ("x".repeat(50_000), "50 kB")] {
                let mut changed = value.clone();
                *changed.pointer_mut(path).unwrap() = json!(bad);
                assert!(read(side, &changed.to_string()).is_err(), "{what} in {path} of {text}");
                reached += 1;
            }
            let lines = ["sdp", "text", "refused", "words"].iter().any(|name| path.ends_with(name));
            let mut changed = value.clone();
            *changed.pointer_mut(path).unwrap() = json!("aaaa\r\na=evil");
            assert_eq!(read(side, &changed.to_string()).is_ok(), lines, "CR LF in {path} of {text}");
        }
    }
    assert!(reached > 300, "only {reached} fields were reached");
}

/// G10 (webrtc-sdk/libwebrtc#92): empty SDP, empty candidate.
#[test]
fn empty_descriptions_candidates_and_names_are_refused() {
    let cases = [
        (r#"{"type":"candidate","ufrag":"abcd","mid":"0","candidate":""}"#, "candidate"),
        (r#"{"type":"candidate","ufrag":"","mid":"0","candidate":"x"}"#, "ufrag"),
        (r#"{"type":"candidate","ufrag":"abcd","mid":"","candidate":"x"}"#, "mid"),
        (r#"{"type":"answer","negotiation_id":1,"sdp":""}"#, "sdp"),
    ];
    for (text, name) in cases {
        let error = decode_from_server(text).unwrap_err();
        assert!(matches!(&error, DecodeError::Field(FieldFault::TooShort { field, .. }) if field == name));
    }
}

#[test]
fn lists_are_bounded() {
    let mut join: Map<String, Value> =
        serde_json::from_str(&text(&examples::client_examples(ClientKind::Join)[0])).unwrap();
    let track = join["tracks"][0].clone();
    join.insert("tracks".to_owned(), Value::Array(vec![track.clone(); 64]));
    assert!(decode_from_client(Value::Object(join.clone()).to_string()).is_ok());
    join.insert("tracks".to_owned(), Value::Array(vec![track; 65]));
    let error = decode_from_client(Value::Object(join).to_string()).unwrap_err();
    assert_eq!(error, FieldFault::TooMany { field: "tracks".to_owned(), len: 65, limit: 64 }.into());
}

/// S2, S3: neither Debug nor an error shows a secret, whatever place it was put in.
#[test]
fn no_secret_shows_in_debug_or_errors() {
    let canary = "CANARY-7f3a";
    for (side, text) in frames() {
        let (value, paths) = strings_of(&text);
        let secret = ["credential", "secret", "resume_secret", "ticket", "join_ticket", "sdp"];
        for path in paths.iter().filter(|p| secret.iter().any(|name| p.ends_with(name))) {
            let mut changed = value.clone();
            *changed.pointer_mut(path).unwrap() = json!(canary);
            let shown = match side {
                "client" => format!("{:?}", decode_from_client(changed.to_string()).unwrap()),
                _ => format!("{:?}", decode_from_server(changed.to_string()).unwrap()),
            };
            assert!(!shown.contains(canary), "{path}: {shown}");
        }
        // In the place of everything that is no string: errors must not quote it.
        for name in value.as_object().unwrap().keys().filter(|name| *name != "type") {
            let mut changed = value.clone();
            changed[name] = json!(canary);
            if let Err(error) = read(side, &changed.to_string()) {
                assert!(!format!("{error} {error:?}").contains(canary), "{name}: {error}");
            }
        }
        let mut changed = value.clone();
        changed["unheard_of"] = json!({ "token": canary });
        changed["type"] = json!("unheard_of");
        let shown = format!("{:?}", decode_from_client(changed.to_string()).unwrap());
        assert!(!shown.contains(canary), "{shown}");
    }
}

/// S17: what the far side named is escaped before anybody prints it.
#[test]
fn names_from_outside_cannot_draw_on_a_terminal() {
    let word = EndCode::from("\u{1b}[2J\u{202e}");
    assert!(!word.to_string().contains('\u{1b}'));
    let text = format!(r#"{{"type":"ping","id":1,"{}":9007199254740992}}"#, r"\u001b[31m");
    let error = decode_from_server(text).unwrap_err();
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
}

#[test]
fn an_explicit_null_is_a_field_left_out() {
    let frame = decode_from_server(r#"{"type":"acked","seq":1,"ack":null,"revision":3,"id":null}"#).unwrap();
    assert_eq!(frame.message, FromServer::Acked(Acked { revision: 3, id: None }));
    assert_eq!(frame.unknown.count(), 0);
}

#[test]
fn what_we_may_not_receive_we_do_not_send() {
    let relay = |data| {
        let relay = Relay { id: 1, from: None, to: Vec::new(), topic: "t".to_owned(), data };
        encode(Some(1), 0, &FromClient::Message(relay))
    };
    assert!(relay(json!("x".repeat(60_000))).is_ok());
    assert!(matches!(relay(json!("x".repeat(65_536))), Err(EncodeError::TooLarge { .. })));
    let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(relay(deep), Err(EncodeError::TooDeep { limit: limits::DEPTH }));
    assert!(matches!(relay(json!(u64::MAX)), Err(EncodeError::Field(FieldFault::NumberTooLarge { .. }))));
    let unnumbered = encode(None, 0, &FromClient::Sending(MidRef { mid: "0".to_owned() }));
    assert!(matches!(unnumbered, Err(EncodeError::SeqMissing { .. })));
    let evil = FromClient::Sending(MidRef { mid: "0\r\na=x".to_owned() });
    assert!(matches!(encode(Some(1), 0, &evil), Err(EncodeError::Field(FieldFault::Character { .. }))));
}

#[test]
fn the_largest_chunk_of_an_upload_fits_its_field() {
    let bytes = "A".repeat(limits::CHUNK_BYTES.div_ceil(3) * 4);
    let chunk = ImageChunk { sha256: examples::SHA256.to_owned(), offset: 0, total: 16_384, bytes };
    assert!(encode(None, 0, &FromClient::ImageChunk(chunk.clone())).is_ok());
    let chunk = ImageChunk { bytes: chunk.bytes + "AAAA", ..chunk };
    assert!(encode(None, 0, &FromClient::ImageChunk(chunk)).is_err());
}

/// serde would read a struct from a list by position; two readers that differ on that are a hole.
#[test]
fn a_list_in_the_place_of_an_object_is_refused() {
    let text = r#"{"type":"need_sections","x":1,"audio":1,"video":[2]}"#;
    assert!(matches!(decode_from_server(text), Err(DecodeError::WrongShape { .. })));
    let join =
        text_of_join().replace(r#""session":{"kind":"studio","id":"7"}"#, r#""session":["studio","7"]"#);
    let error = decode_from_client(join).unwrap_err();
    assert!(matches!(&error, DecodeError::WrongShape { what, .. } if what.contains("session")), "{error}");
}

fn text_of_join() -> String {
    text(&examples::client_examples(ClientKind::Join)[0])
}

/// R19: only a request is answered.
#[test]
fn an_unknown_message_without_an_id_wants_no_answer() {
    let frame = decode_from_client(r#"{"type":"hologram","depth":3}"#).unwrap();
    let FromClient::Other(unknown) = frame.message else { panic!() };
    assert_eq!(unknown.answer(), None);
}
