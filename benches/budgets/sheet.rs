//! Sheet of the figures: a line for each, with the figure that it is compared with and whether its budget is met.

use std::time::Duration;

use proxmox_mpc::page::{Page, Table};

/// All figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    rows: Vec<Row>,
    remarks: Vec<String>,
}

#[derive(Debug)]
struct Row {
    what: String,
    compared: String,
    figure: String,
    budget: Option<String>,
    met: Option<bool>,
}

impl Sheet {
    /// A figure that may not be larger than its budget; both in the unit that `show` writes.
    pub(crate) fn budget(
        &mut self,
        what: impl Into<String>,
        compared: impl Into<String>,
        (figure, budget): (f64, f64),
        show: impl Fn(f64) -> String,
    ) {
        self.rows.push(Row {
            what: what.into(),
            compared: compared.into(),
            figure: show(figure),
            budget: Some(show(budget)),
            met: Some(figure <= budget),
        });
    }

    /// A figure without a budget.
    pub(crate) fn figure(&mut self, what: impl Into<String>, compared: impl Into<String>, figure: impl Into<String>) {
        let (what, compared, figure) = (what.into(), compared.into(), figure.into());
        self.rows.push(Row { what, compared, figure, budget: None, met: None });
    }

    /// A sentence below the table.
    pub(crate) fn remark(&mut self, remark: impl Into<String>) {
        self.remarks.push(remark.into());
    }
}

impl Sheet {
    /// Writes the table of all figures.
    pub(crate) fn page(&self, page: &mut Page) {
        let mut table = Table::new(["FIGURE", "COMPARED WITH", "MEASURED", "BUDGET", ""]);
        for row in &self.rows {
            let verdict = row.met.map_or("", |met| if met { "met" } else { "MISSED" });
            let budget = row.budget.clone().unwrap_or_default();
            table.row([row.what.clone(), row.compared.clone(), row.figure.clone(), budget, verdict.to_owned()]);
        }
        page.blank();
        page.table(&table);
        for remark in &self.remarks {
            page.line(remark);
        }
    }
}

/// The value in the middle of an odd number of measurements.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `1.08x`
pub(crate) fn times(ratio: f64) -> String {
    format!("{ratio:.2}x")
}

/// Seconds as `3.2 ms` or `2.81 s`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.2} s") }
}

/// Ratio of the first time to the second.
pub(crate) fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}
