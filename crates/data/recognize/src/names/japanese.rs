//! Names in Japanese writing. There are no blanks to cut words at, so a stretch of kanji is a name only when the whole
//! stretch, labels and honorifics taken off, reads as family name and given name, or when a label or honorific says so.

use super::flags::WordFlags;
use super::gazetteer::{Gazetteer, WordHash};
use super::scan::Scan;
use super::{NameHit, Why};

/// Longest stretch that is tried as a name with labels and honorifics, in characters.
const STRETCH_CHARS_MAX: usize = 14;
/// Longest family or given name in the lists that counts, in characters.
const NAME_PART_CHARS_MAX: usize = 6;

/// Honorifics and offices that follow a name directly.
const AFTER: &[&str] = &[
    "様",
    "氏",
    "殿",
    "君",
    "先生",
    "さん",
    "さま",
    "くん",
    "ちゃん",
    "医師",
    "教授",
    "准教授",
    "助教",
    "講師",
    "院長",
    "副院長",
    "部長",
    "科長",
    "医長",
    "師長",
    "看護師",
    "看護師長",
    "薬剤師",
    "技師",
    "主任",
    "助手",
    "研究員",
    "博士",
    "課長",
    "室長",
    "所長",
    "社長",
    "理事長",
    "理学療法士",
    "作業療法士",
    "臨床心理士",
    "管理栄養士",
    "保健師",
    "助産師",
    "歯科医師",
    "研修医",
    "専攻医",
    "氏名",
    "本人",
];

/// Labels that stand before a name, directly or with a colon or blank.
const BEFORE: &[&str] = &[
    "患者氏名",
    "患者名",
    "患者様",
    "患者",
    "氏名",
    "お名前",
    "名前",
    "担当医師",
    "担当医",
    "主治医",
    "医師名",
    "医師",
    "執刀医",
    "術者",
    "助手",
    "麻酔医",
    "看護師名",
    "担当看護師",
    "看護師",
    "受持看護師",
    "薬剤師",
    "技師",
    "記載者",
    "記録者",
    "作成者",
    "報告者",
    "入力者",
    "署名",
    "保護者氏名",
    "保護者",
    "代理人",
    "同意者",
    "説明者",
    "立会人",
    "紹介医",
    "紹介元医師",
    "被験者名",
    "被験者氏名",
    "被験者",
    "治験責任医師",
    "責任医師",
    "分担医師",
    "治験分担医師",
    "治験協力者",
    "研究責任者",
    "研究代表者",
    "フリガナ",
    "ふりがな",
    "カナ氏名",
    "氏名カナ",
    "カナ",
    "緊急連絡先",
    "連絡先",
    "キーパーソン",
    "世帯主",
    "続柄",
    "依頼医",
    "読影医",
    "検査者",
    "指導医",
    "院長",
    "教授",
    "受付",
    "担当",
    "長女",
    "長男",
    "次女",
    "次男",
    "三男",
    "妻",
    "夫",
    "母",
    "父",
    "兄",
    "姉",
    "弟",
    "妹",
    "娘",
    "息子",
    "家族",
    "父親",
    "母親",
    "祖父",
    "祖母",
    "出席者",
    "出席",
    "欠席者",
    "欠席",
    "参加者",
    "議事録",
    "文責",
    "宛先",
    "差出人",
    "当直医",
    "当直",
    "研修医",
    "理学療法士",
    "作業療法士",
    "言語聴覚士",
    "臨床心理士",
    "社会福祉士",
    "管理栄養士",
    "保健師",
    "助産師",
    "総務",
    "事務",
];

/// Endings of words for roles, which label a name when a separator follows: 対応者, 担当医, 受付係, 弁護士, 相談員.
const ROLE_ENDINGS: [char; 6] = ['者', '医', '師', '係', '士', '員'];

/// Particles between a role and the name of who has it: 当直医は原田, 看護師の原.
const ROLE_PARTICLES: [char; 2] = ['は', 'の'];

/// Particles that may follow a name in hiragana.
const PARTICLES: [&str; 14] =
    ["は", "が", "の", "を", "に", "と", "も", "へ", "で", "や", "さん", "さま", "ちゃん", "くん"];

/// Kana, kanji, the marks that repeat them, and the full-width blank's neighbours.
pub(super) fn is_japanese(c: char) -> bool {
    is_kanji(c) || is_kana(c)
}

fn is_kanji(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{3005}' | '\u{3006}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{2FFFF}')
}

fn is_kana(c: char) -> bool {
    is_hiragana(c) || is_katakana(c)
}

fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}')
}

/// Full-width and half-width katakana with the prolonged sound mark.
fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30A1}'..='\u{30FA}' | '\u{30FC}' | '\u{FF66}'..='\u{FF9F}')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Kanji,
    Hiragana,
    Katakana,
}

fn script(c: char) -> Option<Script> {
    if is_kanji(c) {
        Some(Script::Kanji)
    } else if is_hiragana(c) {
        Some(Script::Hiragana)
    } else if is_katakana(c) {
        Some(Script::Katakana)
    } else {
        None
    }
}

/// The end of the stretch of one script that begins at `at`. Kanji stretches take in the `ヶ`, `ケ`, `ノ` of names such as
/// 三ヶ島.
fn stretch(text: &str, at: usize) -> (usize, Option<Script>) {
    let rest = text.get(at..).unwrap_or_default();
    let mut chars = rest.char_indices().peekable();
    let Some(kind) = chars.next().and_then(|(_, c)| script(c)) else { return (at, None) };
    while let Some((offset, c)) = chars.next() {
        let joins = kind == Script::Kanji
            && matches!(c, 'ヶ' | 'ケ' | 'ノ' | 'ッ')
            && chars.peek().is_some_and(|(_, next)| is_kanji(*next));
        if script(c) != Some(kind) && !joins {
            return (at + offset, Some(kind));
        }
    }
    (text.len(), Some(kind))
}

/// Judges the stretch of Japanese writing at `at` and returns where to go on.
pub(super) fn run(scan: &mut Scan<'_>, at: usize) -> usize {
    let (end, kind) = stretch(scan.text, at);
    match kind {
        Some(Script::Kanji) => kanji(scan, at, end),
        Some(Script::Katakana) => katakana(scan, at, end),
        Some(Script::Hiragana) => hiragana(scan, at, end),
        None => end.max(at + 1),
    }
}

/// What a label before a stretch is worth.
fn labelled(text: &str, at: usize) -> bool {
    let head = text.get(..at).unwrap_or_default();
    let bare = head
        .trim_end_matches([' ', '\u{3000}', '\t', ':', '：', '】', ']', '）', ')', '／', '|', ',', '"', '　', '・']);
    if head.len() - bare.len() > 24 {
        return false;
    }
    if head.len() == bare.len() {
        let role = bare.strip_suffix(ROLE_PARTICLES);
        return role
            .is_some_and(|role| role.ends_with(ROLE_ENDINGS) || BEFORE.iter().any(|label| role.ends_with(label)));
    }
    bare.ends_with(ROLE_ENDINGS)
        && head.get(bare.len()..).is_some_and(|gap| !gap.starts_with(['】', ']', '）', ')', ',', '"']))
        || BEFORE.iter().any(|label| bare.ends_with(label))
}

fn kanji(scan: &mut Scan<'_>, at: usize, end: usize) -> usize {
    let text = scan.text;
    let Some(whole) = text.get(at..end) else { return end };
    if whole.chars().count() > STRETCH_CHARS_MAX {
        return end;
    }
    let mut start = at;
    let mut label = labelled(text, at);
    let mut rest = whole;
    if let Some(bare) = BEFORE.iter().filter_map(|label| rest.strip_prefix(label)).min_by_key(|rest| rest.len()) {
        if bare.is_empty() {
            return end;
        }
        start = end - bare.len();
        rest = bare;
        label = true;
    }
    let (name, title) = without_honorific(text, rest, start);
    if name.is_empty() {
        return end;
    }
    let name_end = start + name.len();
    if (title || name_end == end)
        && let Some((hit_end, confidence, why)) = judge_kanji(scan, name, name_end, label, title)
    {
        scan.push(NameHit { start, end: hit_end, confidence, why }, 0);
        return hit_end.max(end);
    }
    end
}

/// The stretch without an honorific at its end, and whether one stands there or right after it.
fn without_honorific<'t>(text: &'t str, rest: &'t str, start: usize) -> (&'t str, bool) {
    if let Some(bare) = AFTER.iter().filter_map(|word| rest.strip_suffix(word)).min_by_key(|rest| rest.len())
        && !bare.is_empty()
    {
        return (bare, true);
    }
    let next = text.get(start + rest.len()..).unwrap_or_default();
    let next = next.strip_prefix([' ', '\u{3000}']).unwrap_or(next);
    (rest, AFTER.iter().any(|word| next.starts_with(word)))
}

fn judge_kanji(scan: &Scan<'_>, name: &str, end: usize, label: bool, title: bool) -> Option<(usize, u8, Why)> {
    let gazetteer = scan.gazetteer;
    let lead = if label { 34 } else { 0 } + if title { 34 } else { 0 };
    let why = if title {
        Why::Title
    } else if label {
        Why::Label
    } else {
        Why::FullName
    };
    let flags = gazetteer.word(name);
    if let Some((given_end, given)) = given_after(scan, end)
        && flags.japanese_surname() > 0
    {
        let points = 22 + 12 * i32::from(flags.japanese_surname()) + 10 * i32::from(given) + lead;
        let points = if flags.any(WordFlags::JAPANESE_WORD) && lead == 0 { points - 6 } else { points };
        return Some((given_end, percent(points), why));
    }
    let full = full_name(gazetteer, name);
    if let Some(points) = full {
        let word = flags.any(WordFlags::JAPANESE_WORD);
        let points = 20 + points + lead - if word { 40 } else { 0 };
        return Some((end, percent(points), why));
    }
    let count = name.chars().count();
    if lead > 0 && flags.japanese_surname().max(flags.japanese_given()) > 0 && count <= NAME_PART_CHARS_MAX {
        let class = flags.japanese_surname().max(flags.japanese_given());
        let word = if flags.any(WordFlags::JAPANESE_WORD) && class < 3 { 24 } else { 0 };
        return Some((end, percent(24 + 9 * i32::from(class) + lead - word), why));
    }
    // An unknown given name after a known family name, where a label says that a name stands here.
    if lead > 0 && (3..=5).contains(&count) && has_family_prefix(gazetteer, name) && flags == WordFlags::NONE {
        return Some((end, percent(22 + lead), why));
    }
    if flags.japanese_surname() == 3 && count <= 3 {
        let word = flags.any(WordFlags::JAPANESE_WORD);
        let alone = alone_on_line(scan.text, end - name.len(), end);
        let introduced = !word && introduces(scan.text.get(end..).unwrap_or_default());
        let points = 30 + if alone || introduced { 26 } else { 0 }
            - if word && !alone { 8 } else { 0 }
            - if count == 1 && !alone { 20 } else { 0 };
        return Some((end, percent(points), Why::SingleName));
    }
    None
}

/// `小林です。`: who writes or calls gives the name.
fn introduces(rest: &str) -> bool {
    ["です", "と申します", "でございます"].iter().any(|word| rest.starts_with(word))
}

/// A signature or cell: nothing else on the line.
fn alone_on_line(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).unwrap_or_default().trim_end_matches([' ', '\u{3000}', '\t']);
    let after = text.get(end..).unwrap_or_default().trim_start_matches([' ', '\u{3000}', '\t']);
    before.ends_with('\n') && (after.is_empty() || after.starts_with(['\n', '\r']))
}

/// Points of a stretch that reads as family name and given name.
fn full_name(gazetteer: &Gazetteer, name: &str) -> Option<i32> {
    let mut best = None;
    let chars = name.chars().count();
    if !(2..=7).contains(&chars) {
        return None;
    }
    for (cut, _) in name.char_indices().skip(1) {
        let (family, given) = name.split_at(cut);
        let surname = gazetteer.word(family).japanese_surname();
        if surname == 0 {
            continue;
        }
        let class = gazetteer.word(given).japanese_given();
        if class == 0 {
            continue;
        }
        // One and one character is a name far more rarely than a word.
        let short = match chars {
            2 => 26,
            3 => 4,
            _ => 0,
        };
        let points = 11 * i32::from(surname) + 8 * i32::from(class) - short;
        best = best.max(Some(points));
    }
    best
}

fn has_family_prefix(gazetteer: &Gazetteer, name: &str) -> bool {
    name.char_indices()
        .skip(1)
        .any(|(cut, _)| gazetteer.word(name.get(..cut).unwrap_or_default()).japanese_surname() >= 2)
}

/// A given name after a family name that ends at `end`: with a blank in any script, without one in kana.
fn given_after(scan: &Scan<'_>, end: usize) -> Option<(usize, u8)> {
    let rest = scan.text.get(end..)?;
    let blank = rest.chars().next().filter(|c| matches!(c, ' ' | '\u{3000}'));
    let from = end + blank.map_or(0, char::len_utf8);
    let (stop, kind) = stretch(scan.text, from);
    let part = scan.text.get(from..stop)?;
    match kind? {
        Script::Kanji => {
            blank?;
            let bare = AFTER
                .iter()
                .filter_map(|word| part.strip_suffix(word))
                .filter(|bare| !bare.is_empty())
                .min_by_key(|b| b.len());
            [bare, Some(part)].into_iter().flatten().find_map(|part| {
                let class = scan.gazetteer.word(part).japanese_given();
                (class > 0).then_some((from + part.len(), class))
            })
        }
        Script::Hiragana => {
            let cuts = part.char_indices().map(|(cut, _)| cut).skip(2).chain([part.len()]);
            cuts.filter_map(|cut| {
                let (given, tail) = part.split_at(cut);
                let ends = tail.is_empty() || PARTICLES.iter().any(|particle| tail.starts_with(particle));
                let class = scan.gazetteer.word(given).japanese_given();
                (ends && class >= 2 && given.chars().count() >= 2)
                    .then(|| (from + cut, class - u8::from(blank.is_none())))
            })
            .last()
        }
        Script::Katakana => {
            let class = scan.gazetteer.word(part).japanese_given();
            (class > 0 && part.chars().count() >= 2).then_some((stop, class))
        }
    }
}

/// Katakana: a foreign name with its middle dot, or the reading of a Japanese one.
fn katakana(scan: &mut Scan<'_>, at: usize, end: usize) -> usize {
    let text = scan.text;
    let Some(first) = text.get(at..end) else { return end };
    let flags = scan.gazetteer.word(&full_width(first));
    let next = text.get(end..).unwrap_or_default();
    let label = labelled(text, at);
    let title = AFTER.iter().any(|word| next.starts_with(word));
    let joint = next.chars().next().filter(|c| matches!(c, '・' | ' ' | '\u{3000}' | '＝' | '･'));
    if let Some(joint) = joint {
        let from = end + joint.len_utf8();
        let (stop, kind) = stretch(text, from);
        if kind == Some(Script::Katakana) {
            let second = scan.gazetteer.word(&full_width(text.get(from..stop).unwrap_or_default()));
            let class = |flags: WordFlags| i32::from(flags.japanese_surname().max(flags.japanese_given()));
            let (left, right) = (class(flags), class(second));
            let titled = AFTER.iter().any(|word| text.get(stop..).unwrap_or_default().starts_with(word));
            let lead = if label || titled { 40 } else { 0 };
            if left > 0 && right > 0 || lead > 0 && left + right > 0 {
                let points = 26 + 9 * left + 9 * right + lead;
                let why = if label { Why::Label } else { Why::FullName };
                scan.push(NameHit { start: at, end: stop, confidence: percent(points), why }, 0);
                return stop;
            }
        }
    }
    let class = flags.japanese_surname().max(flags.japanese_given());
    if (label || title) && class > 0 && first.chars().count() >= 2 {
        let why = if title { Why::Title } else { Why::Label };
        scan.push(NameHit { start: at, end, confidence: percent(40 + 10 * i32::from(class)), why }, 0);
    }
    end
}

/// Hiragana: a reading after a label, as family and given name with a blank.
fn hiragana(scan: &mut Scan<'_>, at: usize, end: usize) -> usize {
    if !labelled(scan.text, at) {
        return end;
    }
    let first = scan.gazetteer.word(scan.text.get(at..end).unwrap_or_default());
    let next = scan.text.get(end..).unwrap_or_default().chars().next();
    if let Some(blank) = next.filter(|c| matches!(c, ' ' | '\u{3000}')) {
        let from = end + blank.len_utf8();
        let (stop, kind) = stretch(scan.text, from);
        let second = scan.gazetteer.word(scan.text.get(from..stop).unwrap_or_default());
        if kind == Some(Script::Hiragana) && first.japanese_surname() + second.japanese_given() > 0 {
            scan.push(NameHit { start: at, end: stop, confidence: 80, why: Why::Label }, 0);
            return stop;
        }
    }
    end
}

/// Half-width katakana as full-width, with voicing marks joined, so that it is found in the lists.
fn full_width(word: &str) -> String {
    const WIDE: &str = "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン";
    let mut wide = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            '\u{FF66}'..='\u{FF9D}' => {
                let index = usize::try_from(u32::from(c) - 0xFF66).unwrap_or(0);
                wide.extend(WIDE.chars().nth(index));
            }
            '\u{FF9E}' | '\u{FF9F}' => {
                let step = u32::from(c) - 0xFF9D;
                let voiced = wide.pop().and_then(|last| char::from_u32(u32::from(last) + step));
                wide.extend(voiced);
            }
            other => wide.push(other),
        }
    }
    wide
}

fn percent(points: i32) -> u8 {
    u8::try_from(points.clamp(0, 98)).unwrap_or(0)
}

/// Whether a whole value in Japanese writing is a name.
pub(super) fn whole_value(gazetteer: &Gazetteer, value: &str) -> Option<u8> {
    let value = AFTER.iter().find_map(|word| value.strip_suffix(word)).unwrap_or(value).trim();
    let mut parts = value.split([' ', '\u{3000}', '・', '･']).filter(|part| !part.is_empty());
    let (first, second) = (parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    let first_flags = gazetteer.by_hash(WordHash::of(&full_width(first)));
    let points = match second {
        Some(second) => {
            let second = gazetteer.by_hash(WordHash::of(&full_width(second)));
            let usual = (first_flags.japanese_surname(), second.japanese_given());
            let turned = (first_flags.japanese_given(), second.japanese_surname());
            let both = |pair: (u8, u8)| if pair.0 > 0 && pair.1 > 0 { 40 + 10 * i32::from(pair.0 + pair.1) } else { 0 };
            both(usual).max(both(turned))
        }
        None if first_flags.any(WordFlags::JAPANESE_WORD) => 0,
        None => match full_name(gazetteer, first) {
            Some(points) => 30 + points,
            None => 20 + 11 * i32::from(first_flags.japanese_surname().max(first_flags.japanese_given())),
        },
    };
    let confidence = percent(points);
    (confidence >= super::HIT_CONFIDENCE).then_some(confidence)
}
