// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! `iceoryx2`: publish-subscribe of byte slices. Nothing is lost: a full queue holds up the sender.

use std::thread;
use std::time::Duration;

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;

use crate::worker::{Place, QUEUE_BYTES, Result, Side, Transport};

const QUEUE_MESSAGES: usize = 1000;

pub struct Iceoryx2 {
    publisher: Publisher<ipc::Service, [u8], ()>,
    subscriber: Subscriber<ipc::Service, [u8], ()>,
    _node: Node<ipc::Service>,
}

impl Iceoryx2 {
    /// To how many it went.
    fn publish(&mut self, data: &[u8]) -> Result<usize> {
        let sample = self.publisher.loan_slice_uninit(data.len())?;

        Ok(sample.write_from_slice(data).send()?)
    }

    /// Until both are connected: what is sent to who has not looked for samples yet may be lost.
    fn meet(&mut self, place: &Place) -> Result<()> {
        for turn in [Side::A, Side::B] {
            if turn != place.side {
                self.receive(|_| ())?;
                continue;
            }
            while self.publish(&vec![0; place.size])? == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }
}

impl Transport for Iceoryx2 {
    fn connect(place: &Place) -> Result<Self> {
        set_log_level(LogLevel::Fatal);
        let node = NodeBuilder::new().create::<ipc::Service>()?;
        let queue = (QUEUE_BYTES / place.size).clamp(2, QUEUE_MESSAGES);
        let open = |side: Side| -> Result<_> {
            let name = place.path(side.name());

            Ok(node
                .service_builder(&name.to_str().ok_or("a path in UTF-8")?.try_into()?)
                .publish_subscribe::<[u8]>()
                .enable_safe_overflow(false)
                .subscriber_max_buffer_size(queue)
                .subscriber_max_borrowed_samples(2)
                .history_size(0)
                .max_publishers(1)
                .max_subscribers(1)
                .open_or_create()?)
        };
        let publisher = open(place.side)?
            .publisher_builder()
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .initial_max_slice_len(place.size)
            .create()?;
        let subscriber = open(place.side.other())?.subscriber_builder().create()?;
        let mut transport = Self {
            publisher,
            subscriber,
            _node: node,
        };

        transport.meet(place)?;
        Ok(transport)
    }

    fn send(&mut self, data: &[u8]) -> Result<()> {
        self.publish(data)?;
        Ok(())
    }

    fn receive(&mut self, look: impl FnOnce(&[u8])) -> Result<()> {
        loop {
            if let Some(sample) = self.subscriber.receive()? {
                look(sample.payload());
                return Ok(());
            }
            std::hint::spin_loop();
        }
    }
}
