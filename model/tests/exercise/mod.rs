//! What must hold of any text as a topology: shared by the property tests and the fuzzer.

use nettwin_model::complaint::line_column;
use nettwin_model::draw;
use nettwin_model::topology::{Format, Topology, format_text};

pub(crate) const FORMATS: [Format; 3] = [Format::Toml, Format::Json, Format::Yaml];

/// All that can be done with a text.
pub(crate) fn exercise(text: &str, format: Format) {
    match Topology::load(text, format) {
        Ok(checked) => {
            let t = checked.topology();
            assert_eq!(Topology::parse(&t.to_toml(), Format::Toml).as_ref(), Ok(t), "{}", t.to_toml());
            assert_eq!(Topology::parse(&t.to_json().to_string(), Format::Json).as_ref(), Ok(t));
        }
        Err(complaints) => {
            assert!(!complaints.is_empty());
            for c in &complaints {
                if let Some(span) = &c.span {
                    assert!(span.start <= span.end && span.end <= text.len(), "{c:?}");
                    line_column(text, span.start);
                }
                assert!(!c.help.is_empty(), "no remedy: {c}");
            }
        }
    }
    let (t, _) = Topology::parse_what_can_be(text, format);
    draw::svg(&t);
    draw::dot(&t);
    draw::mermaid(&t);
    if let Ok(once) = format_text(text, format) {
        assert_eq!(format_text(&once, format).as_ref(), Ok(&once), "not the same the second time:\n{text}");
        assert_eq!(Topology::parse_what_can_be(&once, format).0, t, "another meaning after fmt:\n{text}\n{once}");
    }
}
