//! secure-vault

use crate::context::Context;
use crate::machine::{Command, Incoming, Machine, Timer};
use crate::parameter::{ParameterError, ParameterSpec, Values};
use crate::protocol::*;
use std::sync::Arc;

/// The protocol.
#[derive(Debug)]
pub struct SecureVault;

/// Machine.
#[derive(Clone, Debug)]
pub struct Device;
impl Machine for Device {
    fn on_start(&mut self, _cx: &mut Context<'_>) {}
    fn on_message(&mut self, _incoming: Incoming<'_>, _cx: &mut Context<'_>) {}
    fn on_timer(&mut self, _timer: Timer, _cx: &mut Context<'_>) {}
    fn on_command(&mut self, _command: &Command<'_>, _cx: &mut Context<'_>) {}
    fn on_restart(&mut self, _cx: &mut Context<'_>) {}
    fn state(&self) -> &'static str {
        "IDLE"
    }
}

/// Machine.
#[derive(Clone, Debug)]
pub struct Server;
impl Machine for Server {
    fn on_start(&mut self, _cx: &mut Context<'_>) {}
    fn on_message(&mut self, _incoming: Incoming<'_>, _cx: &mut Context<'_>) {}
    fn on_timer(&mut self, _timer: Timer, _cx: &mut Context<'_>) {}
    fn on_command(&mut self, _command: &Command<'_>, _cx: &mut Context<'_>) {}
    fn on_restart(&mut self, _cx: &mut Context<'_>) {}
    fn state(&self) -> &'static str {
        "IDLE"
    }
}

impl Protocol for SecureVault {
    fn name(&self) -> &'static str {
        "secure-vault"
    }
    fn summary(&self) -> &'static str {
        ""
    }
    fn source(&self) -> &'static str {
        ""
    }
    fn roles(&self) -> &'static [RoleSpec] {
        &[]
    }
    fn commands(&self) -> &'static [CommandSpec] {
        &[]
    }
    fn phases(&self) -> &'static [&'static str] {
        &[]
    }
    fn timers(&self) -> &'static [TimerSpec] {
        &[]
    }
    fn params(&self) -> &'static [ParameterSpec] {
        &[]
    }
    fn variants(&self) -> &'static [VariantSpec] {
        &[]
    }
    fn claims(&self) -> &'static [ClaimSpec] {
        &[]
    }
    fn relations(&self) -> &'static [RelationSpec] {
        &[]
    }
    fn configure(
        &self,
        _variant: &str,
        _params: &Values,
    ) -> Result<Arc<dyn Instance>, ParameterError> {
        Err(ParameterError {
            name: "variant".into(),
            reason: "not built yet".into(),
            hint: String::new(),
        })
    }
}
