use serde_json::{Value, json};

use super::Pattern;

fn matches(pattern: &Value, event: &Value) -> bool {
    Pattern::from_value(pattern).unwrap().matches(event)
}

/// Each row: the list at a leaf, values that match, values that do not.
// Called with `json!(…)` throughout: a reference at every call would only add noise.
#[allow(clippy::needless_pass_by_value)]
#[track_caller]
fn leaf(list: Value, yes: &[Value], no: &[Value]) {
    let pattern = json!({"detail": {"x": list}});
    for value in yes {
        assert!(matches(&pattern, &json!({"detail": {"x": value}})), "{pattern} should match {value}");
    }
    for value in no {
        assert!(!matches(&pattern, &json!({"detail": {"x": value}})), "{pattern} should not match {value}");
    }
}

#[test]
fn a_plain_value_matches_its_own_type_only() {
    leaf(
        json!(["a", 1, true, null]),
        &[json!("a"), json!(1.0), json!(true), Value::Null],
        &[json!("1"), json!("true"), json!(false), json!("A"), json!({})],
    );
    leaf(json!([300]), &[json!(300), json!(3.0e2)], &[json!("300"), json!(300.1)]);
    leaf(json!([""]), &[json!("")], &[Value::Null]);
}

#[test]
fn text_operators() {
    leaf(json!([{"prefix": "ab"}]), &[json!("abc")], &[json!("Abc"), json!("b"), json!(1)]);
    leaf(json!([{"prefix": {"equals-ignore-case": "aB"}}]), &[json!("Abc")], &[json!("bab")]);
    leaf(json!([{"suffix": ".png"}]), &[json!("x.png")], &[json!("x.PNG")]);
    leaf(json!([{"suffix": {"equals-ignore-case": ".png"}}]), &[json!("x.PNG")], &[json!("x.pn")]);
    leaf(json!([{"equals-ignore-case": "Alice"}]), &[json!("aLICE")], &[json!("alice ")]);
}

#[test]
fn wildcards() {
    leaf(json!([{"wildcard": "a*b*c"}]), &[json!("abc"), json!("aXbYbZc")], &[json!("ab"), json!("acb")]);
    leaf(json!([{"wildcard": "*"}]), &[json!(""), json!("x")], &[json!(1)]);
    leaf(json!([{"wildcard": "a\\*b*"}]), &[json!("a*b"), json!("a*bc")], &[json!("axb")]);
    leaf(json!([{"wildcard": "aa*aa"}]), &[json!("aaaa"), json!("aaxaa")], &[json!("aaa")]);
    leaf(json!([{"wildcard": "plain"}]), &[json!("plain")], &[json!("plain2")]);
}

#[test]
fn numeric_ranges() {
    leaf(
        json!([{"numeric": [">", 0, "<=", 5]}]),
        &[json!(0.1), json!(5)],
        &[json!(0), json!(5.1), json!("3")],
    );
    leaf(json!([{"numeric": ["=", 3.018e2]}]), &[json!(301.8)], &[json!(301)]);
    leaf(json!([{"numeric": ["<", 10]}]), &[json!(-7)], &[json!(10)]);
}

#[test]
fn anything_but_needs_the_field_and_another_value() {
    leaf(json!([{"anything-but": "a"}]), &[json!("b"), json!(1), Value::Null], &[json!("a")]);
    leaf(json!([{"anything-but": ["a", "b"]}]), &[json!("c")], &[json!("a"), json!("b")]);
    leaf(json!([{"anything-but": [1, 2]}]), &[json!(3), json!("1")], &[json!(1.0)]);
    leaf(json!([{"anything-but": {"prefix": "in"}}]), &[json!("out")], &[json!("init")]);
    leaf(
        json!([{"anything-but": {"prefix": ["in", "out"]}}]),
        &[json!("x")],
        &[json!("init"), json!("outer")],
    );
    leaf(json!([{"anything-but": {"suffix": ".png"}}]), &[json!("a.gif")], &[json!("a.png")]);
    leaf(
        json!([{"anything-but": {"equals-ignore-case": ["a", "B"]}}]),
        &[json!("c")],
        &[json!("A"), json!("b")],
    );
    leaf(json!([{"anything-but": {"wildcard": "*/lib/*"}}]), &[json!("/bin/x")], &[json!("/lib/x")]);
    assert!(!matches(&json!({"x": [{"anything-but": "a"}]}), &json!({"y": 1})));
}

#[test]
fn addresses() {
    leaf(
        json!([{"cidr": "10.0.0.0/24"}]),
        &[json!("10.0.0.255")],
        &[json!("10.0.1.0"), json!("x"), json!("::1")],
    );
    leaf(json!([{"cidr": "2001:db8::/32"}]), &[json!("2001:db8::1")], &[json!("2001:db9::1")]);
    leaf(json!([{"cidr": "0.0.0.0/0"}]), &[json!("1.2.3.4")], &[json!("::1")]);
}

#[test]
fn existence_is_about_leaves() {
    let absent = json!({"detail": {"x": [{"exists": false}]}});
    let present = json!({"detail": {"x": [{"exists": true}]}});
    for (event, there) in [
        (json!({"detail": {"x": 1}}), true),
        (json!({"detail": {"x": null}}), true),
        (json!({"detail": {"x": [1]}}), true),
        (json!({"detail": {"x": []}}), false),
        (json!({"detail": {"x": {"y": 1}}}), false),
        (json!({"detail": {}}), false),
        (json!({}), false),
    ] {
        assert_eq!(matches(&present, &event), there, "exists: true, {event}");
        assert_eq!(matches(&absent, &event), !there, "exists: false, {event}");
    }
    // One element without the field does not make it absent.
    let pattern = json!({"a": {"b": [{"exists": false}]}});
    assert!(!matches(&pattern, &json!({"a": [{"b": 1}, {"c": 2}]})));
    assert!(matches(&pattern, &json!({"a": [{"c": 1}, {"c": 2}]})));
    assert!(matches(&json!({"x": [{"exists": false}, "a"]}), &json!({"x": "a"})));
}

#[test]
fn a_list_in_the_event_matches_when_one_of_its_elements_does() {
    leaf(json!(["a", "b"]), &[json!(["z", "b"]), json!([["b"]])], &[json!(["z"]), json!([])]);
    leaf(json!([{"anything-but": "a"}]), &[json!(["a", "b"])], &[json!(["a"])]);
}

#[test]
fn fields_below_a_list_match_within_one_element() {
    let pattern = json!({"items": {"kind": ["a"], "size": [{"numeric": [">", 5]}]}});
    assert!(matches(&pattern, &json!({"items": [{"kind": "b", "size": 9}, {"kind": "a", "size": 6}]})));
    assert!(!matches(&pattern, &json!({"items": [{"kind": "a", "size": 1}, {"kind": "b", "size": 9}]})));
}

#[test]
fn or_asks_for_one_of_several_shapes() {
    let pattern = json!({
        "source": ["aws.cloudwatch"],
        "$or": [
            {"metricName": ["CPU"]},
            {"metricType": ["M"], "namespace": ["N"], "$or": [{"a": [1]}, {"b": [2]}]},
        ],
        "detail": {"$or": [{"x": [1]}, {"y": [{"exists": false}]}]},
    });
    let event = |v: Value| {
        let mut event = json!({"source": "aws.cloudwatch"});
        event.as_object_mut().unwrap().extend(v.as_object().unwrap().clone());
        event
    };
    assert!(matches(&pattern, &event(json!({"metricName": "CPU"}))));
    assert!(matches(&pattern, &event(json!({"metricType": "M", "namespace": "N", "b": 2}))));
    assert!(!matches(&pattern, &event(json!({"metricType": "M", "namespace": "N"}))));
    assert!(!matches(&pattern, &event(json!({"metricName": "CPU", "detail": {"y": 1}}))));
    assert!(matches(&pattern, &event(json!({"metricName": "CPU", "detail": {"y": 1, "x": 1}}))));
    // Not an alternative but a field of that name.
    assert!(matches(&json!({"$or": ["a"]}), &json!({"$or": "a"})));
    assert!(matches(&json!({"$or": [{"numeric": ["=", 1]}, {"prefix": "abc"}]}), &json!({"$or": "abcd"})));
}

#[test]
fn what_is_not_a_pattern_is_refused() {
    for wrong in [
        json!([]),
        json!({}),
        json!({"a": {}}),
        json!({"a": []}),
        json!({"a": "x"}),
        json!({"a": [["x"]]}),
        json!({"a": [{}]}),
        json!({"a": [{"prefix": "x", "suffix": "y"}]}),
        json!({"a": [{"prefix": 1}]}),
        json!({"a": [{"unknown": 1}]}),
        json!({"a": [{"exists": "yes"}]}),
        json!({"a": [{"wildcard": "a**b"}]}),
        json!({"a": [{"wildcard": "a\\b"}]}),
        json!({"a": [{"cidr": "10.0.0.0"}]}),
        json!({"a": [{"cidr": "10.0.0.0/33"}]}),
        json!({"a": [{"numeric": []}]}),
        json!({"a": [{"numeric": ["<", 1, ">", 0]}]}),
        json!({"a": [{"numeric": [">", 5, "<", 5]}]}),
        json!({"a": [{"numeric": ["=", 1, "<", 5]}]}),
        json!({"a": [{"numeric": [">", 6e9]}]}),
        json!({"a": [{"anything-but": ["a", 1]}]}),
        json!({"a": [{"anything-but": []}]}),
        json!({"a": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}),
        json!({"a": [{"anything-but": null}]}),
    ] {
        assert!(Pattern::from_value(&wrong).is_err(), "{wrong} was taken");
    }
    assert!(Pattern::parse("not json").is_err());
}
