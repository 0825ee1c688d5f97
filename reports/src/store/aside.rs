//! A large file is written by a thread of its own, so that a run goes on while the medium works.
//!
//! A file begins on the caller's thread and moves to its own with the first full buffer: a small
//! result starts no thread. Full buffers go to the thread and come back empty through two bounded
//! channels; when the medium is slower than the run, the run waits, and memory does not grow. The
//! bytes and their order are those of the caller, so a result does not depend on it.

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::table::Sink;

/// Full buffers that may wait for the medium.
const WAITING: usize = 4;

/// A sink that hands full buffers to a thread.
pub(super) struct Aside(Place);

enum Place {
    /// On the caller's thread.
    Here(Box<dyn Sink>),
    /// On its own.
    There(Lane),
    /// Nowhere any more: the thread ended with a failure that was told.
    Failed,
}

struct Lane {
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<io::Result<Box<dyn Sink>>>,
}

impl Aside {
    pub(super) fn new(sink: Box<dyn Sink>) -> Self {
        Self(Place::Here(sink))
    }

    /// Waits until the thread has written everything, and takes the file back.
    fn come_back(&mut self) -> io::Result<&mut Box<dyn Sink>> {
        self.0 = match mem::replace(&mut self.0, Place::Failed) {
            Place::There(lane) => Place::Here(lane.join()?),
            other => other,
        };
        match &mut self.0 {
            Place::Here(sink) => Ok(sink),
            Place::There(_) | Place::Failed => Err(told()),
        }
    }

    /// Ends a lane whose thread no longer listens, and returns why it does not.
    fn failure(&mut self) -> io::Error {
        match mem::replace(&mut self.0, Place::Failed) {
            Place::There(lane) => lane.join().err().unwrap_or_else(told),
            Place::Here(_) | Place::Failed => told(),
        }
    }
}

impl Lane {
    /// Starts a thread for `sink`; gives the sink back where there can be none.
    fn start(sink: Box<dyn Sink>) -> Result<Self, Box<dyn Sink>> {
        let (full, to_write) = sync_channel::<Vec<u8>>(WAITING);
        let (written, empty) = sync_channel::<Vec<u8>>(WAITING + 1);
        // The sink travels by a channel, so that it is still here if no thread can be had.
        let (hand, take) = sync_channel::<Box<dyn Sink>>(1);
        let work = move || {
            let mut sink = take.recv().map_err(|_| told())?;
            for mut buffer in to_write {
                sink.write_all(&buffer)?;
                buffer.clear();
                // Nobody takes it back any more: it is freed instead.
                drop(written.try_send(buffer));
            }
            Ok(sink)
        };
        let Ok(thread) = Builder::new().name("badlink-tables".to_owned()).spawn(work) else {
            return Err(sink);
        };
        hand.send(sink).map_err(|unsent| unsent.0)?;
        Ok(Self {
            full,
            empty,
            thread,
        })
    }

    fn join(self) -> io::Result<Box<dyn Sink>> {
        drop(self.full);
        self.thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that writes tables panicked")))
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.come_back()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.come_back()?.flush()
    }
}

impl Sink for Aside {
    fn sync(&mut self) -> io::Result<()> {
        self.come_back()?.sync()
    }

    fn take(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        if let Place::Here(_) = self.0
            && let Place::Here(sink) = mem::replace(&mut self.0, Place::Failed)
        {
            self.0 = match Lane::start(sink) {
                Ok(lane) => Place::There(lane),
                Err(mut sink) => {
                    let written = sink.take(buffer);
                    self.0 = Place::Here(sink);
                    return written;
                }
            };
        }
        let Place::There(lane) = &mut self.0 else {
            return Err(told());
        };
        let next = lane
            .empty
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(buffer.capacity()));
        if lane.full.send(mem::replace(buffer, next)).is_err() {
            return Err(self.failure());
        }
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // A result that is given up is removed by its owner: nobody may write to it after that.
        if let Place::There(lane) = mem::replace(&mut self.0, Place::Failed) {
            drop(lane.join());
        }
    }
}

/// What is said after the failure itself was said.
fn told() -> io::Error {
    io::Error::other("an earlier write failed")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use super::*;

    /// Takes `room` bytes into a shared store, then is full.
    struct Disk {
        store: Arc<Mutex<Vec<u8>>>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut store = self.store.lock().unwrap();
            if store.len() + bytes.len() > self.room {
                return Err(io::ErrorKind::StorageFull.into());
            }
            store.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink for Disk {
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn disk(room: usize) -> (Aside, Arc<Mutex<Vec<u8>>>) {
        let store = Arc::default();
        let disk = Disk {
            store: Arc::clone(&store),
            room,
        };
        (Aside::new(Box::new(disk)), store)
    }

    #[test]
    fn bytes_arrive_whole_and_in_order() {
        let (mut sink, store) = disk(usize::MAX);
        let mut buffer = Vec::new();
        let mut wanted = Vec::new();
        for piece in 0..1000_u32 {
            let bytes = piece.to_le_bytes().repeat(piece as usize % 7 + 1);
            wanted.extend_from_slice(&bytes);
            buffer.extend_from_slice(&bytes);
            if piece % 10 == 3 {
                // Now and then directly, as the last part of a table is.
                sink.write_all(&buffer).unwrap();
                buffer.clear();
            } else {
                sink.take(&mut buffer).unwrap();
                assert!(buffer.is_empty());
            }
        }
        sink.sync().unwrap();
        assert_eq!(*store.lock().unwrap(), wanted);
    }

    #[test]
    fn a_full_medium_is_told_once_with_its_reason_and_refused_after() {
        let (mut sink, store) = disk(1000);
        let mut first = None;
        for _ in 0..1000 {
            let mut buffer = vec![7; 64];
            if let Err(error) = sink.take(&mut buffer) {
                first = Some(error);
                break;
            }
        }
        assert_eq!(first.unwrap().kind(), io::ErrorKind::StorageFull);
        assert!(sink.take(&mut vec![7; 64]).is_err());
        assert!(sink.sync().is_err());
        assert_eq!(store.lock().unwrap().len(), 960);
    }

    #[test]
    fn a_failure_after_the_last_buffer_is_told_by_the_end() {
        let (mut sink, _) = disk(100);
        sink.take(&mut vec![7; 64]).unwrap();
        sink.take(&mut vec![7; 64]).unwrap();
        assert_eq!(sink.sync().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
