//! Groups that links have joined, and hardware addresses of groups by hand.
//!
//! Kernel counterpart: `/proc/net/igmp`, `/proc/net/dev_mcast`, `SIOCADDMULTI`. The files show the namespace of the task that
//! looks, so the worker reads them while it is inside. Deliberately absent: IPv6's groups.

use crate::netns::{Netns, Worker, refused};
use nettwin_model::groups::{Joined, JoinedMac, LinkGroups};
use nettwin_model::{Errno, Fault, IfName, Mac};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;

/// What each link of a namespace has joined.
pub(crate) fn list(worker: &Worker, netns: &Netns) -> Result<Vec<LinkGroups>, Fault> {
    let read = |name: &str| {
        let path = format!("/proc/thread-self/net/{name}");
        std::fs::read_to_string(&path).map_err(|e| Fault::Broken(format!("{path}: {e}")))
    };
    let (igmp, macs, devs) =
        worker.run_in(netns, || Ok::<_, Fault>((read("igmp")?, read("dev_mcast")?, read("dev")?)))??;
    let indices = worker.run_in(netns, || {
        let names = devs.lines().skip(2).filter_map(|line| IfName::new(line.split(':').next()?.trim()).ok());
        let fd = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
            .map_err(refused)?;
        let index = |dev: IfName| rustix::net::netdevice::name_to_index(&fd, dev.as_str()).ok().map(|n| (n, dev));
        Ok::<_, Fault>(names.filter_map(index).collect::<Vec<_>>())
    })??;
    let mut all: Vec<LinkGroups> = indices
        .into_iter()
        .map(|(ifindex, dev)| LinkGroups { dev, ifindex, version: 3, groups: Vec::new(), macs: Vec::new() })
        .collect();
    all.sort_by_key(|of| of.ifindex);
    igmp_rows(&igmp, &mut all);
    mac_rows(&macs, &mut all);
    Ok(all)
}

fn igmp_rows(text: &str, all: &mut [LinkGroups]) {
    let mut at = None;
    for line in text.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if !line.starts_with('\t') {
            let index: Option<u32> = words.first().and_then(|word| word.parse().ok());
            at = all.iter().position(|of| Some(of.ifindex) == index);
            let version = words.last().and_then(|word| word.strip_prefix('V')?.parse().ok());
            if let (Some(at), Some(version)) = (at, version) {
                all[at].version = version;
            }
            continue;
        }
        let (Some(at), [group, users, _, reporter]) = (at, words.as_slice()) else { continue };
        let Ok(bits) = u32::from_str_radix(group, 16) else { continue };
        // Printed as it lies in memory.
        let group = Ipv4Addr::from(bits.to_ne_bytes());
        all[at].groups.push(Joined { group, users: users.parse().unwrap_or(0), reporter: *reporter != "0" });
    }
}

fn mac_rows(text: &str, all: &mut [LinkGroups]) {
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [index, _, users, by_hand, digits] = words.as_slice() else { continue };
        let byte = |i: usize| u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..6).map(byte).collect();
        let Some(mac) = bytes.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok()).map(Mac) else { continue };
        // Those of IPv6 are not told of.
        if mac.0[..2] == [0x33, 0x33] && *by_hand == "0" {
            continue;
        }
        if let Some(of) = all.iter_mut().find(|of| Ok(of.ifindex) == index.parse()) {
            of.macs.push(JoinedMac { mac, users: users.parse().unwrap_or(0), by_hand: *by_hand != "0" });
        }
    }
}

const SIOCADDMULTI: libc::c_ulong = 0x8931;
const SIOCDELMULTI: libc::c_ulong = 0x8932;

/// `ip maddr add` and `del`.
pub(crate) fn set(worker: &Worker, netns: &Netns, dev: &IfName, mac: Mac, present: bool) -> Result<(), Fault> {
    worker.run_in(netns, || {
        let fd = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
            .map_err(refused)?;
        // SAFETY: all-zero bytes are a valid ifreq.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        // The last byte stays zero: names have at most 15.
        for (slot, byte) in request.ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(dev.as_str().bytes()) {
            *slot = byte as libc::c_char;
        }
        let mut address = libc::sockaddr { sa_family: libc::AF_UNSPEC as u16, sa_data: [0; 14] }; // 0.
        for (slot, byte) in address.sa_data.iter_mut().zip(mac.0) {
            *slot = byte as libc::c_char;
        }
        request.ifr_ifru.ifru_hwaddr = address;
        let what = if present { SIOCADDMULTI } else { SIOCDELMULTI };
        // SAFETY: both read one ifreq at the pointer, and that is the structure.
        match unsafe { libc::ioctl(fd.as_raw_fd(), what, &raw const request) } {
            0 => Ok(()),
            _ => Err(Fault::errno(Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)))),
        }
    })?
}
