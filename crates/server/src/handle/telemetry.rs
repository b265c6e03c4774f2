//! The setting that has members' clients asked for telemetry.

use super::Builder;
use crate::telemetry::TelemetryIntake;

impl Builder {
    /// Takes telemetry from members' clients (F74), for whoever reads the other end of this intake.
    /// Unless told, clients are not asked for any. A user may opt out; nothing is known of it here.
    ///
    /// ```
    /// # use offhook_server::{Server, TelemetryIntake};
    /// let (intake, mut reports) = TelemetryIntake::bounded(64);
    /// let builder = Server::builder().telemetry(intake);
    /// # let _ = builder;
    /// let read = async move {
    ///     while let Some(report) = reports.next().await {
    ///         println!("{}: {} entries", report.session_id, report.batch.entries.len());
    ///     }
    /// };
    /// # drop(read);
    /// ```
    #[must_use]
    pub fn telemetry(mut self, intake: TelemetryIntake) -> Self {
        self.config.telemetry = Some(intake);
        self
    }
}
