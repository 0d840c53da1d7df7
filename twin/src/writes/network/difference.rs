//! The difference of two texts as `diff -b -N -u` shows it.

/// Number of equal lines that are shown around a change.
const CONTEXT: usize = 3;

/// A line of the difference: of the old text, of the new one, or of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Old,
    New,
    Both,
}

/// The hunks of the difference, `None` where the texts are equal but for white space. The lines with the file names are
/// the caller's.
pub(super) fn hunks(old: &str, new: &str) -> Option<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let sides = compare(&old, &new);
    let changed: Vec<usize> = (0..sides.len()).filter(|at| sides[*at] != Side::Both).collect();
    let mut hunks = String::new();
    let mut rest = changed.as_slice();
    while let Some(first) = rest.first() {
        let together = rest.windows(2).take_while(|pair| pair[1] - pair[0] <= 2 * CONTEXT + 1).count();
        let last = rest[together];
        let range = first.saturating_sub(CONTEXT)..(last + CONTEXT + 1).min(sides.len());
        hunks.push_str(&hunk(&sides, range, &old, &new));
        rest = &rest[together + 1..];
    }
    (!hunks.is_empty()).then_some(hunks)
}

/// The longest way through both texts in common. Equal lines are taken as early as possible, so that of several equal
/// blocks the last is the new one, as `diff` has it.
fn compare(old: &[&str], new: &[&str]) -> Vec<Side> {
    let (old, new): (Vec<_>, Vec<_>) =
        (old.iter().map(|line| loose(line)).collect(), new.iter().map(|line| loose(line)).collect());
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for row in (0..old.len()).rev() {
        for column in (0..new.len()).rev() {
            common[row * width + column] = if old[row] == new[column] {
                common[(row + 1) * width + column + 1] + 1
            } else {
                common[(row + 1) * width + column].max(common[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut sides = Vec::new();
    while row < old.len() || column < new.len() {
        let side = if row == old.len() {
            Side::New
        } else if column == new.len() {
            Side::Old
        } else if old[row] == new[column] {
            Side::Both
        } else if common[(row + 1) * width + column] >= common[row * width + column + 1] {
            Side::Old
        } else {
            Side::New
        };
        row += usize::from(side != Side::New);
        column += usize::from(side != Side::Old);
        sides.push(side);
    }
    sides
}

/// A line without the amount of its white space, which `-b` leaves out of account.
fn loose(line: &str) -> (bool, Vec<&str>) {
    (line.starts_with(char::is_whitespace), line.split_whitespace().collect())
}

fn hunk(sides: &[Side], range: std::ops::Range<usize>, old: &[&str], new: &[&str]) -> String {
    let count = |sides: &[Side], but: Side| sides.iter().filter(|side| **side != but).count();
    let (before, within) = (&sides[..range.start], &sides[range]);
    let (mut row, mut column) = (count(before, Side::New), count(before, Side::Old));
    let heading = |start: usize, length: usize| match length {
        0 => format!("{start},0"),
        1 => (start + 1).to_string(),
        _ => format!("{},{length}", start + 1),
    };
    let places = (heading(row, count(within, Side::New)), heading(column, count(within, Side::Old)));
    let mut text = format!("@@ -{} +{} @@\n", places.0, places.1);
    for side in within {
        let (sign, line) = match side {
            Side::Old => ('-', old[row]),
            Side::New => ('+', new[column]),
            Side::Both => (' ', old[row]),
        };
        text.push(sign);
        text.extend([line, "\n"]);
        row += usize::from(*side != Side::New);
        column += usize::from(*side != Side::Old);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_those_of_diff() {
        let check = |old: &str, new: &str, expected: Option<&str>| {
            assert_eq!(hunks(old, new).as_deref(), expected, "{old:?} {new:?}");
        };
        check("a\nb\n", "a\nb  \n", None);
        check("", "a\n", Some("@@ -0,0 +1 @@\n+a\n"));
        check("a\nb\n", "a\nc\n", Some("@@ -1,2 +1,2 @@\n a\n-b\n+c\n"));
        check("1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n6\n", Some("@@ -3,3 +3,4 @@\n 3\n 4\n 5\n+6\n"));
        // Of two equal blocks the second is the new one.
        check("x\n\ny\n", "x\n\nz\n\ny\n", Some("@@ -1,3 +1,5 @@\n x\n \n+z\n+\n y\n"));
        let far = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let both = "@@ -1,4 +1,3 @@\n-1\n 2\n 3\n 4\n@@ -6,4 +5,3 @@\n 6\n 7\n 8\n-9\n";
        check(far, "2\n3\n4\n5\n6\n7\n8\n", Some(both));
    }
}
