//! Folding text to the form under which twins meet.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// No identifier that somebody meant is longer than this, in bytes as typed; anything longer is refused unread.
pub(super) const MAX_TYPED_BYTES: usize = 1024;

/// NFKC with all differences of case removed: `ß` and `ẞ` become `ss`, `ﬁ` becomes `fi`, `ς` becomes `σ`, and the
/// Turkish `İ` and `ı` become `i`. Folding again changes nothing but for a handful of rare mark sequences, which an
/// identifier's constructor refuses.
pub(crate) fn fold(text: &str) -> String {
    // Lower, upper, lower is Unicode's full case folding and one step more: a single step would leave `ẞ` at `ß`.
    let lower =
        text.nfkc().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let mut base = '\0';
    let dotless = lower.filter(move |c| {
        // `İ` in lower case is `i` with a second dot.
        let second_dot = *c == '\u{307}' && base == 'i';
        if canonical_combining_class(*c) == 0 {
            base = *c;
        }
        !second_dot
    });
    let mut folded = String::with_capacity(2 * text.len());
    folded.extend(dotless.nfkc());
    folded
}

/// Characters that no identifier holds: controls, format characters (zero-width, direction), line separators, private
/// and unassigned code points.
pub(super) fn is_forbidden(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Other
        || matches!(
            c.general_category(),
            GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
        )
}

/// A letter, mark or number that one can see.
pub(super) fn is_word(c: char) -> bool {
    let group = c.general_category_group();
    matches!(group, GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark | GeneralCategoryGroup::Number)
        && !is_blank(c)
}

/// Letters and marks that leave no ink (Unicode's `Default_Ignorable_Code_Point`, beyond the format characters).
pub(super) fn is_blank(c: char) -> bool {
    matches!(c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn log_11_twins_fold_to_one_form() {
        let twins = [
            ("i", &["I", "İ", "ı", "i\u{307}", "I\u{307}", "ｉ", "Ｉ", "𝐈"][..]),
            ("ss", &["ß", "ẞ", "SS", "ſs", "ｓｓ"]),
            ("fi", &["ﬁ", "FI", "Fi"]),
            ("σ", &["Σ", "ς"]),
            ("é", &["É", "e\u{301}", "E\u{301}"]),
            ("i\u{331}", &["İ\u{331}", "I\u{331}\u{307}"]),
            ("가", &["\u{1100}\u{1161}"]),
            ("k", &["\u{212a}", "K"]),
        ];
        for (form, others) in twins {
            for other in others {
                assert_eq!(fold(other), form, "{other}");
            }
            assert_eq!(fold(form), form);
        }
    }

    #[test]
    fn every_letter_folds_to_the_form_of_its_other_cases() {
        for c in ('\0'..=char::MAX).filter(|c| c.is_alphabetic()) {
            let folded = fold(&c.to_string());
            assert_eq!(fold(&folded), folded, "{c:?} folds twice");
            assert_eq!(fold(&c.to_lowercase().to_string()), folded, "{c:?} in lower case");
            assert_eq!(fold(&c.to_uppercase().to_string()), folded, "{c:?} in upper case");
        }
    }

    proptest! {
        #[test]
        fn composed_and_decomposed_texts_fold_alike(text in "\\PC{0,12}") {
            let (nfc, nfd) = (text.nfc().collect::<String>(), text.nfd().collect::<String>());
            prop_assert_eq!(fold(&nfc), fold(&text));
            prop_assert_eq!(fold(&nfd), fold(&text));
        }
    }
}
