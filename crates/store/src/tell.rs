//! The log's copy of the audit log: one line for each committed event, for whoever collects logs elsewhere.
//!
//! The truth is the audit log in the database, written in the transaction of the change: where it cannot be written, the
//! change does not happen (attack LOGG-04). A line here follows the commit, and may be dropped where nobody reads them.

use countersign_core::audit::Entry;
use countersign_core::client::ClientId;

use crate::batch;
use crate::meter::Meter;

/// Says that an event was committed.
pub(crate) fn tell(entry: &Entry, meter: &Meter) {
    let Entry { id, at, actor, ip, request, event } = entry;
    meter.events.get_or_create(&[("kind", event.kind.as_str())]).inc();
    let detail = (!event.detail.is_empty()).then(|| batch::detail(event));
    tracing::info!(
        target: "countersign::audit",
        event = %id,
        kind = event.kind.as_str(),
        at = %at,
        actor = %actor,
        account = event.account.map(tracing::field::display),
        session = event.session.map(tracing::field::display),
        grant = event.grant.map(tracing::field::display),
        client = event.client.as_ref().map(ClientId::as_str),
        ip = ip.map(tracing::field::display),
        request_id = request.map(tracing::field::display),
        detail,
        "audit"
    );
}
