//! How long a server asks to wait: `Retry-After` in seconds or as a date, or `retry-after-ms`.
//!
//! A date is compared with the `Date` of the same answer, not with our clock, so that a clock that
//! is wrong does not matter.

use std::time::Duration;

/// The pause asked for, where the headers ask for one that can be understood.
pub(super) fn asked(header: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let number = |name| header(name)?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms")
        .map(|milliseconds| milliseconds / 1000.0)
        .or_else(|| number("retry-after"))
        .or_else(|| {
            let until = seconds_of_date(&header("retry-after")?)?;
            let now = seconds_of_date(&header("date")?)?;
            Some((until - now) as f64)
        })?;
    let seconds = Some(seconds).filter(|seconds| seconds.is_finite())?;
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

/// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
fn seconds_of_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.trim().split_once(", ")?;
    let mut fields = date.split([' ', ':']);
    let mut field = || fields.next();
    let day: i64 = field()?.parse().ok()?;
    let name = field()?;
    let (month, _) = (1..).zip(MONTHS).find(|(_, month)| *month == name)?;
    let year: i64 = field()?.parse().ok()?;
    let mut number = || field()?.parse::<i64>().ok();
    let (hour, minute, second) = (number()?, number()?, number()?);
    Some(((days_to(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days from 1 January 1970 to a date of the Gregorian calendar, counted in years that begin in
/// March, so that the leap day is a year's last.
fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days lie between 1 March of the year 0 and 1 January 1970.
    365 * year + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&str, &str)], expected: Option<f64>) {
        let find = |name: &str| {
            headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(asked(find), expected.map(Duration::from_secs_f64));
    }

    #[test]
    fn seconds_and_milliseconds_are_read() {
        check(&[("retry-after", "7")], Some(7.0));
        check(&[("retry-after", "1.5")], Some(1.5));
        check(&[("retry-after-ms", "250"), ("retry-after", "1")], Some(0.25));
    }

    #[test]
    fn a_date_is_taken_relative_to_the_answer() {
        let date = ("date", "Tue, 29 Feb 2028 23:59:58 GMT");
        check(&[("retry-after", "Wed, 01 Mar 2028 00:00:03 GMT"), date], Some(5.0));
        check(&[("retry-after", "Tue, 29 Feb 2028 23:00:00 GMT"), date], Some(0.0));
        check(&[("retry-after", "Wed, 01 Mar 2028 00:00:03 GMT")], None);
    }

    #[test]
    fn dates_are_days_since_1970() {
        // Computed with `date -u -d … +%s`.
        assert_eq!(seconds_of_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds_of_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds_of_date("Sat, 31 Dec 2101 23:59:59 GMT"), Some(4_165_516_799));
    }

    #[test]
    fn what_cannot_be_understood_asks_for_nothing() {
        check(&[], None);
        check(&[("retry-after", "soon")], None);
        check(&[("retry-after", "NaN")], None);
        check(&[("retry-after", "-3")], Some(0.0));
    }
}
