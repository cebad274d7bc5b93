//! A point written out as its multiples, so that each further multiple of it is 32 additions.

use curve25519_dalek::edwards::EdwardsPoint;

/// The multiples of one point P that any scalar is put together from: for each of the 32 bytes of
/// a scalar 1, 2 … 128 times 256^i · P. 640 KiB.
pub(super) struct Multiples(Vec<[EdwardsPoint; 128]>);

impl Multiples {
    /// Takes 4,096 additions: as long as some twenty plain verifications.
    pub(super) fn of(point: &EdwardsPoint) -> Self {
        let mut unit = *point;
        let row = |_| {
            let mut row = [unit; 128];
            let mut sum = unit;
            for multiple in row.iter_mut().skip(1) {
                sum += &unit;
                *multiple = sum;
            }
            // 128 times the unit, twice
            unit = sum + sum;
            row
        };
        Multiples((0..32).map(row).collect())
    }

    /// Adds to each sum what its digit of one place stands for: digit · 256^place · P.
    pub(super) fn add<'a>(
        &self,
        place: usize,
        terms: impl Iterator<Item = (i8, &'a mut EdwardsPoint)>,
    ) {
        let Some(row) = self.0.get(place) else {
            return;
        };
        for (digit, sum) in terms {
            let multiple = usize::from(digit.unsigned_abs())
                .checked_sub(1)
                .and_then(|at| row.get(at));
            match multiple {
                Some(multiple) if digit > 0 => *sum += multiple,
                Some(multiple) => *sum -= multiple,
                None => {}
            }
        }
    }
}

/// The scalar, least significant byte first and below 2^253, as 32 digits from −128 to 127:
/// the same integer, written with half the multiples.
pub(super) fn digits(scalar: &[u8; 32]) -> [i8; 32] {
    let mut carry = false;
    scalar.map(|byte| {
        let (value, over) = byte.overflowing_add(u8::from(carry));
        carry = over || value >= 128;
        value.cast_signed()
    })
}
