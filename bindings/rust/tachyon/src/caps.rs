// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! As much of GStreamer's caps syntax as it takes to know what a frame holds:
//! `type/name(features), field=(type)value, …; …`

/// The media type of the first structure, and its features.
pub(crate) fn media_type(caps: &str) -> (&str, &str) {
    let head = split(caps, ';')
        .next()
        .and_then(|caps| split(caps, ',').next());
    let head = head.unwrap_or_default().trim();

    match head.split_once('(') {
        Some((name, features)) => (name.trim_end(), features.trim_end_matches(')')),
        None => (head, ""),
    }
}

/// The value of a field of the first structure, without its type and quotes.
pub(crate) fn field<'a>(caps: &'a str, name: &str) -> Option<&'a str> {
    let structure = split(caps, ';').next()?;

    split(structure, ',')
        .skip(1)
        .filter_map(|field| field.split_once('='))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| bare(value))
}

fn bare(value: &str) -> &str {
    let value = value.trim();
    let value = match value
        .strip_prefix('(')
        .and_then(|value| value.split_once(')'))
    {
        Some((_type, value)) => value.trim_start(),
        None => value,
    };

    value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value)
}

/// Splits where a separator stands outside of quotes, parentheses and lists.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let mut depth = 0usize;

    text.split(move |character: char| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match character {
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' | '{' | '[' | '<' => depth += 1,
            ')' | '}' | ']' | '>' => depth = depth.saturating_sub(1),
            _ => return character == separator && depth == 0,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPS: &str = "video/x-raw(memory:SystemMemory, meta:A), format=(string)I420, \
                        width = 640,height=(int)480, framerate=(fraction)30/1, \
                        list=(int){ 1, 2 }, name=\"a, \\\"b; c=1\"; video/x-raw, depth=8";

    #[test]
    fn a_field_is_found_whatever_stands_around_it() {
        assert_eq!(field(CAPS, "format"), Some("I420"));
        assert_eq!(field(CAPS, "width"), Some("640"));
        assert_eq!(field(CAPS, "height"), Some("480"));
        assert_eq!(field(CAPS, "framerate"), Some("30/1"));
        assert_eq!(field(CAPS, "list"), Some("{ 1, 2 }"));
        assert_eq!(field(CAPS, "name"), Some("a, \\\"b; c=1"));
    }

    #[test]
    fn what_is_not_in_the_first_structure_is_not_found() {
        assert_eq!(field(CAPS, "depth"), None);
        assert_eq!(field(CAPS, "c"), None);
        assert_eq!(field(CAPS, "video/x-raw"), None);
        assert_eq!(field("", "format"), None);
    }

    #[test]
    fn the_media_type_stands_before_its_features() {
        assert_eq!(
            media_type(CAPS),
            ("video/x-raw", "memory:SystemMemory, meta:A")
        );
        assert_eq!(media_type("audio/x-raw"), ("audio/x-raw", ""));
        assert_eq!(media_type(" text/plain ; a/b"), ("text/plain", ""));
        assert_eq!(media_type(""), ("", ""));
    }
}
