//! What an operator does to resources.

use countersign_core::audit::Actor;
use countersign_core::url::ResourceId;
use countersign_store::resource as resources;

use crate::app::App;
use crate::ctx::Ctx;

use super::{AdminError, ResourceEntry};

/// Lets tokens be made for an API.
pub(crate) async fn add(ctx: &Ctx, actor: Actor<'_>, text: &str) -> Result<Vec<ResourceEntry>, AdminError> {
    let resource = ResourceId::parse(text).map_err(|error| AdminError::invalid("RESOURCE:", &error))?;
    let mut attempts = ctx.attempts();
    loop {
        let configured = ctx.app.config.resources.contains(&resource);
        if configured || resources::resource_known(&ctx.app.store, &resource).await? {
            return Err(AdminError::KnownResource(text.to_owned()));
        }
        let batch = resources::add_resource_batch(&resource, &ctx.stamp(actor));
        if attempts.apply(batch).await? {
            return list(&ctx.app).await;
        }
    }
}

/// All of them.
pub(crate) async fn list(app: &App) -> Result<Vec<ResourceEntry>, AdminError> {
    let entry =
        |resource: &ResourceId, configured| ResourceEntry { resource: resource.to_string(), configured };
    let configured = app.config.resources.iter().map(|resource| entry(resource, true));
    let added = resources::resources(&app.store).await?;
    Ok(configured.chain(added.iter().map(|resource| entry(resource, false))).collect())
}
