//! The distinct frames of batches.

use hashbrown::HashMap;

use super::Frame;
use crate::stamp::Stamp;

/// Frames by number, each once. Frames are only added, so that what was worked out for a number
/// stays true of it.
#[derive(Debug, Clone, Default)]
pub struct Frames {
    list: Vec<Frame>,
    numbers: HashMap<Frame, u32>,
    stamp: Stamp,
}

impl Frames {
    /// No frames.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of a frame; none when there are 2³² others.
    pub fn intern(&mut self, frame: Frame) -> Option<u32> {
        if let Some(&number) = self.numbers.get(&frame) {
            return Some(number);
        }
        let number = u32::try_from(self.list.len()).ok()?;
        self.list.push(frame.clone());
        self.numbers.insert(frame, number);
        Some(number)
    }

    /// The frame of a number.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&Frame> {
        self.list.get(number as usize)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Tells these frames from all others.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp.number()
    }
}
