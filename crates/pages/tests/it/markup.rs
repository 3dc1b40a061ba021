//! Just enough of HTML to check our own: every `<` of our documents begins a tag, every value stands in `"`.

/// A tag with its attributes.
#[derive(Debug)]
pub(crate) struct Tag<'a> {
    pub(crate) name: &'a str,
    pub(crate) closes: bool,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    pub(crate) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    pub(crate) fn attribute_names(&self) -> impl Iterator<Item = &'a str> {
        self.attributes.iter().map(|(key, _)| *key)
    }

    pub(crate) fn has_class(&self, class: &str) -> bool {
        self.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class))
    }

    pub(crate) fn is_void(&self) -> bool {
        matches!(self.name, "!doctype" | "meta" | "link" | "input" | "br" | "rect" | "path" | "circle")
    }
}

/// All tags of a document, in order.
pub(crate) fn tags(html: &str) -> Vec<Tag<'_>> {
    html.split('<').skip(1).map(|piece| tag(inside(piece))).collect()
}

/// The piece up to the `>` that is not in a value.
fn inside(piece: &str) -> &str {
    let mut quoted = false;
    let end = piece.find(|letter| {
        quoted ^= letter == '"';
        letter == '>' && !quoted
    });
    &piece[..end.expect("a tag without an end")]
}

fn tag(inside: &str) -> Tag<'_> {
    let inside = inside.trim_end_matches('/');
    let (name, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
    let mut attributes = Vec::new();
    while !rest.trim().is_empty() {
        let (attribute, after) = attribute(rest.trim_start());
        attributes.push(attribute);
        rest = after;
    }
    Tag { name: name.trim_start_matches('/'), closes: name.starts_with('/'), attributes }
}

fn attribute(text: &str) -> ((&str, &str), &str) {
    let end = text.find([' ', '=']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let Some(value) = rest.strip_prefix("=\"") else { return ((name, ""), rest) };
    let (value, rest) = value.split_once('"').expect("a value without an end");
    ((name, value), rest)
}

#[test]
fn tags_and_attributes_are_found() {
    let found = tags(r#"<a class="x y" href="/?a>b" hidden>text</a><br/>"#);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].attribute("href"), Some("/?a>b"));
    assert_eq!(found[0].attribute("hidden"), Some(""));
    assert!(found[0].has_class("y") && found[1].closes && found[2].is_void());
}
