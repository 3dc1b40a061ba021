//! What the kernel knows of this process, under the names that every exporter uses.

use countersign_core::Time;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

pub(super) struct Process {
    resident: Gauge,
}

impl Process {
    pub(super) fn new(registry: &mut Registry, started: Time) -> Self {
        let start: Gauge = Gauge::default();
        start.set(started.seconds());
        let resident = Gauge::default();
        registry.register_with_unit(
            "process_start_time",
            "When the service started, as a Unix time",
            Unit::Seconds,
            start,
        );
        registry.register_with_unit(
            "process_resident_memory",
            "Memory that the process holds",
            Unit::Bytes,
            resident.clone(),
        );
        Self { resident }
    }

    /// Looks anew.
    pub(super) fn look(&self) {
        if let Some(bytes) = resident() {
            self.resident.set(bytes);
        }
    }
}

/// `VmRSS` of `/proc/self/status`, in KiB (proc(5)).
fn resident() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_holds_some_memory() {
        assert!(resident().unwrap() > 100_000);
    }
}
