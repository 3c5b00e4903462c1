//! The plugin: reads its configuration and makes a context for each stream.

use crate::attempt::AttemptContext;
use crate::front::FrontContext;
use crate::host::{self, Buffer, Level};
use crate::ports;
use crate::turns::Turns;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use std::rc::Rc;
use weir_core::gateway::{Gateway, PluginConfig};

/// One plugin configuration. A changed configuration is a new root; streams under way keep theirs.
#[derive(Default)]
pub(crate) struct Root {
    role: Option<Role>,
}

enum Role {
    Front(Rc<Gateway>, Rc<Turns>),
    Attempt,
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body_size: usize, _trailers: usize) {
        if let Some(Role::Front(gateway, turns)) = &self.role {
            turns.answered(gateway, token, headers, body_size);
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        match configure(size) {
            Ok(role) => self.role = Some(role),
            Err(reason) => host::log(Level::Error, &format!("weir: configuration refused: {reason}")),
        }
        self.role.is_some()
    }

    fn on_tick(&mut self) {
        if let Some(Role::Front(gateway, turns)) = &self.role {
            turns.tick(gateway);
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(match &self.role {
            Some(Role::Front(gateway, turns)) => {
                Box::new(FrontContext::new(context_id, gateway.clone(), turns.clone()))
            }
            Some(Role::Attempt) | None => Box::new(AttemptContext::new(context_id)),
        })
    }
}

fn configure(size: usize) -> Result<Role, String> {
    let bytes = host::buffer(Buffer::PluginConfiguration, size).map_err(|status| format!("unreadable: {status:?}"))?;
    match serde_json::from_slice(&bytes).map_err(|error| error.to_string())? {
        PluginConfig::Front { config } => {
            let env = |name: &str| std::env::var(name).ok();
            let gateway = Rc::new(Gateway::new(*config, ports::all(), env)?);
            // From now on the other workers would notice if this VM were gone.
            gateway.traffic.end_round(host::now());
            let turns = Rc::new(Turns::default());
            turns.begin();
            Ok(Role::Front(gateway, turns))
        }
        PluginConfig::Attempt => Ok(Role::Attempt),
    }
}
