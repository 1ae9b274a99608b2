// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Ending what other threads wait for.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::handle::Handle;
use crate::listener::ListenerHandle;

/// Ends a [`Bus`](crate::Bus) or a [`Listener`](crate::Listener) from any thread.
///
/// It keeps neither alive: what it would close may be gone already, and then nothing happens.
#[derive(Clone)]
pub struct Closer {
    target: Target,
}

#[derive(Clone)]
enum Target {
    Bus(Weak<Handle>),
    Listener(Weak<ListenerHandle>),
}

impl Closer {
    pub(crate) fn of_bus(handle: &Arc<Handle>) -> Self {
        Self {
            target: Target::Bus(Arc::downgrade(handle)),
        }
    }

    pub(crate) fn of_listener(handle: &Arc<ListenerHandle>) -> Self {
        Self {
            target: Target::Listener(Arc::downgrade(handle)),
        }
    }

    /// End it for good. Calls under way in other threads, and all later ones, fail: those of a bus
    /// as closed, those of a listener as canceled.
    ///
    /// What was committed before is still delivered to the peer; what another thread committed
    /// without a flush may be lost. Guards that live stay readable.
    pub fn close(&self) {
        match &self.target {
            Target::Bus(bus) => on(bus, Handle::shutdown),
            Target::Listener(listener) => on(listener, ListenerHandle::cancel),
        }
    }

    /// Make waits under way, and all until [`resume`](Self::resume), fail as canceled. Nothing else
    /// changes; but a listener does not come back.
    pub fn cancel(&self) {
        match &self.target {
            Target::Bus(bus) => on(bus, Handle::cancel),
            Target::Listener(listener) => on(listener, ListenerHandle::cancel),
        }
    }

    /// Let the waits of a bus wait again.
    pub fn resume(&self) {
        match &self.target {
            Target::Bus(bus) => on(bus, Handle::resume),
            Target::Listener(_) => {}
        }
    }
}

/// While it is called the target cannot go.
fn on<T>(target: &Weak<T>, call: impl FnOnce(&T)) {
    if let Some(target) = target.upgrade() {
        call(&target);
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closer").finish_non_exhaustive()
    }
}
