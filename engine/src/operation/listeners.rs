//! Listeners: several sinks that follow the same events, and come and go while operations run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use super::{Event, Sink};

/// A sink that hands each event on to everybody who follows.
#[derive(Clone, Default)]
pub struct Listeners(Arc<List>);

#[derive(Default)]
struct List {
    sinks: RwLock<Vec<(u64, Arc<dyn Sink>)>>,
    next: AtomicU64,
}

impl Listeners {
    /// Follows all events from now on, until the returned guard is dropped.
    pub fn follow(&self, sink: Arc<dyn Sink>) -> Following {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.sinks.write().unwrap_or_else(PoisonError::into_inner).push((id, sink));
        Following { list: Arc::downgrade(&self.0), id }
    }
}

impl Sink for Listeners {
    fn event(&self, event: &Event) {
        for (_, sink) in self.0.sinks.read().unwrap_or_else(PoisonError::into_inner).iter() {
            sink.event(event);
        }
    }
}

/// The registration of a sink: it follows for as long as this lives.
#[must_use = "the sink follows no longer as soon as this is dropped"]
pub struct Following {
    list: Weak<List>,
    id: u64,
}

impl Drop for Following {
    fn drop(&mut self) {
        let Some(list) = self.list.upgrade() else { return };
        list.sinks.write().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| *id != self.id);
    }
}
