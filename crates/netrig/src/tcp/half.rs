//! One way of one TCP connection: reads segments, holds them as the conditions say, writes them in order.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{ReadHalf, WriteHalf},
    sync::watch,
};

use crate::{
    Conditions, Way,
    fate::Fates,
    lane::{Lane, Passage},
    relay::{Line, Shared},
};

use super::{End, HEADERS, SEGMENT, Segment, Tcp};

pub(super) struct Half<'a> {
    shared: &'a Shared<Tcp>,
    way: Way,
    line: watch::Receiver<Line>,
    reader: ReadHalf<'a>,
    writer: WriteHalf<'a>,
    /// The end we read from has stopped listening: its stream ends in a reset, not in a close.
    source_broken: &'a AtomicBool,
    fates: Fates,
    lane: Lane<Segment>,
    /// Nothing more will be read.
    ended: bool,
    /// Taken from the lane, and written as far as `written`.
    writing: Vec<u8>,
    written: usize,
    /// Segments read and not yet wholly written.
    held: u64,
}

impl Drop for Half<'_> {
    fn drop(&mut self) {
        let held = self.held;
        self.shared.count(|stats| {
            let tally = stats.way_mut(self.way);
            tally.held = tally.held.saturating_sub(held);
        });
    }
}

impl<'a> Half<'a> {
    pub(super) fn new(
        shared: &'a Arc<Shared<Tcp>>,
        flow: u64,
        way: Way,
        reader: ReadHalf<'a>,
        writer: WriteHalf<'a>,
        source_broken: &'a AtomicBool,
    ) -> Self {
        Self {
            shared,
            way,
            line: shared.line.subscribe(),
            reader,
            writer,
            source_broken,
            fates: Fates::new(shared.key(flow, way)),
            lane: Lane::new(),
            ended: false,
            writing: Vec::new(),
            written: 0,
            held: 0,
        }
    }

    /// Carries until the stream has ended at the destination, or cannot get there.
    pub(super) async fn carry(mut self) -> End {
        let mut buffer = [0; SEGMENT];
        loop {
            let (conditions, silent) = {
                let line = self.line.borrow_and_update();
                (*line.conditions.of(self.way), *line.silent.of(self.way))
            };
            let now = self.shared.now();
            let due = {
                let mut links = self.shared.protocol.links();
                let link = links.of_mut(self.way);
                self.lane.advance(now, link, &conditions);
                self.lane.wake(link, &conditions)
            };
            if self.is_idle() && !silent && due.is_some_and(|due| due <= now) {
                match self.lane.pop(now) {
                    Some(Segment::Data(data)) => (self.writing, self.written) = (data, 0),
                    Some(Segment::Fin) if !self.source_broken.load(Ordering::Relaxed) => {
                        // If it fails, the other end is gone already, and its own half will say so.
                        let _ = self.writer.shutdown().await;
                        return End::Finished;
                    }
                    Some(Segment::Fin | Segment::Rst) => return End::Reset,
                    None => {}
                }
            }
            let idle = self.is_idle();
            // While it is silent or still writes, what is due waits for that to end, not for the clock.
            let sleeps = idle && !silent && due.is_some();
            let room = !self.ended && !self.lane.is_full(SEGMENT + HEADERS, conditions.queue);
            tokio::select! {
                biased;
                changed = self.line.changed() => if changed.is_err() { return End::Reset },
                written = self.writer.write(&self.writing[self.written..]), if !idle && !silent => match written {
                    Ok(0) | Err(_) => {
                        self.shared.count(|stats| stats.way_mut(self.way).failed += 1);
                        return End::Broken;
                    }
                    Ok(written) => self.wrote(written),
                },
                () = self.shared.sleep_until(due), if sleeps => {}
                read = self.reader.read(&mut buffer), if room => match read {
                    Ok(0) => self.ends(Segment::Fin, &conditions),
                    Ok(read) => self.arrived(&buffer[..read], &conditions),
                    Err(_) => self.ends(Segment::Rst, &conditions),
                },
            }
        }
    }

    /// Nothing is being written.
    fn is_idle(&self) -> bool {
        self.written == self.writing.len()
    }

    fn arrived(&mut self, data: &[u8], conditions: &Conditions) {
        let fate = self.fates.draw(conditions);
        let mut delay = fate.delay;
        if fate.lost {
            delay = delay.saturating_add(conditions.retransmission());
        }
        self.held += 1;
        self.shared.count(|stats| {
            let tally = stats.way_mut(self.way);
            tally.held += 1;
            tally.lost += u64::from(fate.lost);
        });
        let passage = Passage { wire: data.len() + HEADERS, delay, in_order: true };
        // Room was seen to before reading.
        self.lane.force(self.shared.now(), passage, Segment::Data(data.to_vec()));
    }

    fn ends(&mut self, how: Segment, conditions: &Conditions) {
        self.ended = true;
        let passage = Passage { wire: HEADERS, delay: conditions.delay, in_order: true };
        self.lane.force(self.shared.now(), passage, how);
    }

    fn wrote(&mut self, written: usize) {
        self.written += written;
        let whole = u64::from(self.is_idle());
        self.held -= whole;
        self.shared.count(|stats| {
            let tally = stats.way_mut(self.way);
            tally.held = tally.held.saturating_sub(whole);
            tally.bytes += written as u64;
            tally.passed += whole;
        });
    }
}
