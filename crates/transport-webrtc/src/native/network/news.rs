//! That something happened to the interfaces, addresses or routes of this machine. What it was is
//! not read: whoever hears of it asks the routing table. On Linux the kernel says so; elsewhere, and
//! where it is not allowed to be listened to, the table is asked once a second.

use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};

/// Where nobody says anything.
const TICK: Duration = Duration::from_secs(1);
/// Changes come in bursts; those within this count as one.
const BURST: Duration = Duration::from_millis(20);
/// The kernel tells of a link or an address before the routes through it are gone, and not when they
/// are: so it is looked again after so long without news. Nothing is decided by it.
#[cfg(target_os = "linux")]
const AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// Where news comes from.
pub(super) enum News {
    #[cfg(target_os = "linux")]
    Kernel(kernel::Socket),
    Ticks(Interval),
}

impl News {
    /// Inside a runtime.
    pub(super) fn open() -> Self {
        #[cfg(target_os = "linux")]
        match kernel::Socket::open() {
            Ok(socket) => return Self::Kernel(socket),
            Err(error) => {
                tracing::debug!(%error, "the kernel is not to be listened to; its routes are asked");
            }
        }
        Self::ticks()
    }

    pub(super) fn ticks() -> Self {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self::Ticks(ticks)
    }

    /// Says each time that it is time to look, for ever.
    pub(super) async fn tell(mut self, mut look: impl FnMut()) {
        let mut again = [].iter();
        loop {
            let came = match again.next() {
                Some(pause) => timeout(*pause, self.next()).await.is_ok(),
                None => {
                    self.next().await;
                    true
                }
            };
            look();
            if came {
                again = self.again().iter();
                sleep(BURST).await;
            }
        }
    }

    const fn again(&self) -> &'static [Duration] {
        match self {
            #[cfg(target_os = "linux")]
            Self::Kernel(_) => &AGAIN,
            Self::Ticks(_) => &[],
        }
    }

    async fn next(&mut self) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Kernel(socket) => {
                if let Err(error) = socket.next().await {
                    tracing::debug!(%error, "the kernel says no more; its routes are asked");
                    *self = Self::ticks();
                }
            }
            Self::Ticks(ticks) => drop(ticks.tick().await),
        }
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    //! The kernel's own announcements (rtnetlink(7)), listened to and not read.

    use rustix::io::Errno;
    use rustix::net::netlink::SocketAddrNetlink;
    use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
    use std::io;
    use std::os::fd::OwnedFd;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// `RTMGRP_LINK`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR`, `_IPV6_ROUTE`.
    const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
    /// Announcements that are taken at a time.
    const AT_ONCE: usize = 64;

    pub(in super::super) struct Socket(AsyncFd<OwnedFd>);

    impl Socket {
        pub(super) fn open() -> io::Result<Self> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            // Without a protocol it is `NETLINK_ROUTE`, whose number is 0.
            let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
            bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
            #[expect(
                deprecated,
                reason = "the other one is unsafe: for types whose descriptor may change, as this one's cannot"
            )]
            let socket = AsyncFd::with_interest(socket, Interest::READABLE)?;
            Ok(Self(socket))
        }

        /// Returns when something was announced.
        ///
        /// # Cancel safety
        /// Nothing is taken before it is returned.
        pub(super) async fn next(&self) -> io::Result<()> {
            loop {
                let mut ready = self.0.readable().await?;
                let mut heard = false;
                // What does not fit into this is cut off; it is not read anyway.
                let mut announcement = [0; 32];
                for _ in 0..AT_ONCE {
                    match recv(ready.get_inner(), &mut announcement[..], RecvFlags::DONTWAIT) {
                        // So many that the kernel dropped some is news as well.
                        Ok(_) | Err(Errno::NOBUFS) => heard = true,
                        Err(Errno::INTR) => {}
                        Err(Errno::AGAIN) => {
                            ready.clear_ready();
                            break;
                        }
                        Err(other) => return Err(other.into()),
                    }
                }
                if heard {
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
