//! The rules of the two text formats, and those of good names, by which figures are read here.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

#[derive(Debug)]
pub(super) struct Family {
    pub(super) kind: Kind,
    pub(super) unit: Option<String>,
    samples: BTreeMap<String, f64>,
}

/// Figures as they were told.
#[derive(Debug, Default)]
pub(super) struct Exposition(BTreeMap<String, Family>);

/// What a good name does not end in: Prometheus counts in base units.
const OTHER_UNITS: &[&str] = &["_ms", "_milliseconds", "_micros", "_minutes", "_kb", "_mb", "_kilobytes", "_percent"];

impl Exposition {
    /// Reads them, and fails on whatever is against the rules.
    pub(super) fn read(text: &str, open: bool) -> Self {
        let body = if open { text.strip_suffix("# EOF\n").expect("# EOF at the end") } else { text };
        assert!(body.ends_with('\n') && !body.contains("# EOF"));
        let mut told = Self::default();
        let mut described = BTreeSet::new();
        let mut current = String::new();
        for line in body.lines() {
            let mut words = line.splitn(4, ' ');
            if line.starts_with('#') {
                let [_, word, name, rest] = [(); 4].map(|()| words.next().unwrap_or_else(|| panic!("{line}")));
                match word {
                    "HELP" => {
                        assert!(described.insert(name.to_owned()), "{name} is described twice");
                        assert!(rest.ends_with('.') && !rest.contains('\\'), "{line}");
                    }
                    "TYPE" => {
                        assert!(described.contains(name) && !told.0.contains_key(name), "{line}");
                        current = name.to_owned();
                        told.add(name, rest, open);
                    }
                    "UNIT" => {
                        assert!(open && current == name && name.ends_with(&format!("_{rest}")), "{line}");
                        told.0.get_mut(name).unwrap().unit = Some(rest.to_owned());
                    }
                    _ => panic!("{line}"),
                }
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                told.take(&current, series, value.parse().unwrap(), open);
            }
        }
        told.0.iter().for_each(|(name, family)| family.check(name, open));
        told
    }

    fn add(&mut self, name: &str, kind: &str, open: bool) {
        let kind = match kind {
            "counter" => Kind::Counter,
            "gauge" => Kind::Gauge,
            "histogram" => Kind::Histogram,
            "info" if open => Kind::Info,
            _ => panic!("{name} is a {kind}"),
        };
        let letters = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(name.starts_with("pilothouse_") && letters && !name.contains("__"), "{name}");
        assert!(!OTHER_UNITS.iter().any(|unit| name.trim_end_matches("_total").ends_with(unit)), "{name}");
        assert!(!["counter", "gauge", "histogram"].iter().any(|kind| name.contains(kind)), "{name}");
        assert_eq!(name.ends_with("_total"), kind == Kind::Counter && !open, "{name}");
        assert!(kind != Kind::Histogram || name.ends_with("_seconds"), "{name} has a unit");
        self.0.insert(name.to_owned(), Family { kind, unit: None, samples: BTreeMap::new() });
    }

    fn take(&mut self, current: &str, series: &str, value: f64, open: bool) {
        let family = self.0.get_mut(current).unwrap_or_else(|| panic!("{series} before its TYPE"));
        let (name, labels) = labels_of(series);
        let suffix = name.strip_prefix(current).unwrap_or_else(|| panic!("{series} among {current}"));
        let right: &[&str] = match family.kind {
            Kind::Counter if open => &["_total"],
            Kind::Info => &["_info"],
            Kind::Histogram => &["_bucket", "_sum", "_count"],
            Kind::Counter | Kind::Gauge => &[""],
        };
        assert!(right.contains(&suffix) && value >= 0.0 && value.is_finite(), "{series} {value}");
        assert_eq!(labels.contains_key("le"), suffix == "_bucket", "{series}");
        for (name, value) in &labels {
            let number = value.chars().filter(char::is_ascii_digit).count() > 6 && *name != "le";
            assert!(!number && value.len() < 60, "{series} has a label without bounds");
        }
        assert!(family.samples.insert(series.to_owned(), value).is_none(), "{series} twice");
    }

    /// The figure of this name with these labels.
    pub(super) fn value(&self, series: &str) -> Option<f64> {
        self.0.values().find_map(|family| family.samples.get(series)).copied()
    }

    pub(super) fn family(&self, name: &str) -> Option<&Family> {
        self.0.get(name)
    }

    pub(super) fn families(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn series(&self) -> impl Iterator<Item = &str> {
        self.0.values().flat_map(|family| family.samples.keys().map(String::as_str))
    }
}

impl Family {
    /// What holds of a family as a whole.
    fn check(&self, name: &str, open: bool) {
        if self.kind == Kind::Histogram {
            self.check_buckets(name);
        }
        let base = self.samples.keys().map(|series| labels_of(series).1.into_keys().collect::<BTreeSet<_>>());
        let without_le = base.map(|keys| keys.into_iter().filter(|key| *key != "le").collect::<Vec<_>>());
        assert!(without_le.collect::<BTreeSet<_>>().len() <= 1, "{name} has other labels now and then");
        let wants_unit = open && (name.ends_with("_seconds") || name.ends_with("_bytes"));
        assert_eq!(self.unit.is_some(), wants_unit, "{name}");
    }

    /// Buckets grow in order, and the last one holds all.
    fn check_buckets(&self, name: &str) {
        let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for (series, value) in &self.samples {
            let (part, mut labels) = labels_of(series);
            if part.ends_with("_bucket") {
                let le = labels.remove("le").unwrap();
                assert!(le.contains('.') || le == "+Inf", "{series}");
                buckets.entry(format!("{labels:?}")).or_default().push((le.parse().unwrap(), *value));
            }
        }
        for (series, count) in self.samples.iter().filter(|(series, _)| labels_of(series).0.ends_with("_count")) {
            let steps = buckets.get_mut(&format!("{:?}", labels_of(series).1)).unwrap();
            steps.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(steps.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name}: {steps:?}");
            assert_eq!(steps.last(), Some(&(f64::INFINITY, *count)), "{series}");
        }
    }
}

/// The name of a series and its labels.
fn labels_of(series: &str) -> (&str, BTreeMap<&str, &str>) {
    let Some((name, rest)) = series.split_once('{') else { return (series, BTreeMap::new()) };
    let inside = rest.strip_suffix('}').unwrap_or_else(|| panic!("{series}"));
    let pairs = inside.split("\",").map(|pair| {
        let (name, value) = pair.split_once("=\"").unwrap_or_else(|| panic!("{series}"));
        assert!(name.chars().all(|c| c.is_ascii_lowercase()), "{series}");
        (name, value.trim_end_matches('"'))
    });
    (name, pairs.collect())
}
