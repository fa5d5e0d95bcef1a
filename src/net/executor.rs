//! The executor: all tasks that can run, run, first come first served; then the machine goes on to its next event.
//!
//! Deliberately absent: threads, priorities, fairness beyond the order of waking.

use super::socket::Netns;
use crate::model::probe::{Outcome, Probe, ProbeEvent, ProbeId};
use crate::model::{Backend, Fault, Instant};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A machine and the tasks that live on it.
pub struct Runtime<B> {
    machine: Rc<RefCell<B>>,
    tasks: Tasks,
    patience: Duration,
}

/// A task's handle on the runtime. Cheap to clone; belongs to its thread.
#[derive(Clone)]
pub struct Net {
    pub(super) machine: Rc<RefCell<dyn Backend>>,
    pub(super) shared: Rc<RefCell<Shared>>,
    queue: Arc<Queue>,
}

/// What tasks have in common.
#[derive(Default)]
pub(super) struct Shared {
    last: u64,
    tasks: BTreeMap<u64, Task>,
    /// Which task runs.
    current: u64,
    /// Who is to be woken when.
    timers: BTreeMap<(Instant, u64), Waker>,
    /// Who is to be woken by news of a socket, or by the end of a workload.
    wakers: BTreeMap<ProbeId, Vec<Waker>>,
    outcomes: BTreeMap<ProbeId, Outcome>,
}

struct Task {
    name: String,
    /// What it waits for, as far as it was one of ours.
    waits_for: String,
    /// Taken out while it runs.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

/// Every task waits and nothing is left to happen that could wake one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlock {
    /// Since when, on the machine's clock.
    pub at: Instant,
    /// Each task's name and what it waits for.
    pub blocked: Vec<(String, String)>,
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deadlock at {} s:", self.at)?;
        for (i, (task, what)) in self.blocked.iter().enumerate() {
            let what = if what.is_empty() { "something that is not of this machine" } else { what };
            write!(f, "{} `{task}` waits for {what}", if i == 0 { "" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Deadlock {}

/// The tasks that can run, in the order of waking.
#[derive(Default)]
struct Queue(Mutex<(VecDeque<u64>, BTreeSet<u64>)>);

impl Queue {
    fn push(&self, id: u64) {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.1.insert(id) {
            inside.0.push_back(id);
        }
    }

    fn pop(&self) -> Option<u64> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = inside.0.pop_front()?;
        inside.1.remove(&id);
        Some(id)
    }
}

struct TaskWaker {
    id: u64,
    queue: Arc<Queue>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.queue.push(self.id);
    }
}

impl<B: Backend + 'static> Runtime<B> {
    /// A runtime on a machine whose namespaces stand.
    pub fn new(machine: B) -> Self {
        let machine = Rc::new(RefCell::new(machine));
        let net = Net { machine: machine.clone(), shared: Rc::default(), queue: Arc::default() };
        Runtime { machine, tasks: Tasks(net), patience: PATIENCE }
    }

    /// How long, on the machine's clock, every task may wait before that is taken for a deadlock; 20 minutes unless said.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs a task to its end, and others that it spawns meanwhile. Those that have not ended then stay, and go on with the
    /// next one.
    pub fn block_on<T: 'static>(&mut self, main: impl AsyncFnOnce(Net) -> T + 'static) -> Result<T, Deadlock> {
        let net = self.tasks.0.clone();
        let main = self.tasks.0.spawn("main", async move { main(net).await });
        self.drive(&main)
    }

    /// The machine, without the tasks.
    pub fn into_machine(self) -> B {
        let Runtime { machine, tasks, .. } = self;
        drop(tasks);
        match Rc::try_unwrap(machine) {
            Ok(machine) => machine.into_inner(),
            Err(_) => panic!("a socket or a handle of the runtime is kept outside of its tasks"),
        }
    }

    fn drive<T>(&self, main: &JoinHandle<T>) -> Result<T, Deadlock> {
        let net = &self.tasks.0;
        let mut quiet_since = net.now();
        loop {
            while let Some(id) = net.queue.pop() {
                net.poll(id);
                quiet_since = net.now();
                if let Some(result) = main.take() {
                    return Ok(result);
                }
            }
            let timer = net.shared.borrow().timers.first_key_value().map(|(&(at, _), _)| at);
            let until = timer.unwrap_or(quiet_since + self.patience);
            let event = net.machine.borrow_mut().advance(until);
            match event {
                Some((_, id, event)) => net.told(id, event),
                None if timer.is_none() && net.now() >= until => return Err(net.deadlock(quiet_since)),
                None => net.ring(net.now()),
            }
        }
    }
}

/// The tasks, which end with it: they hold what holds them.
struct Tasks(Net);

impl Drop for Tasks {
    fn drop(&mut self) {
        // Futures close their sockets as they go; nothing may be borrowed then.
        let tasks = std::mem::take(&mut self.0.shared.borrow_mut().tasks);
        drop(tasks);
        let mut shared = self.0.shared.borrow_mut();
        shared.wakers.clear();
        shared.timers.clear();
    }
}

impl Net {
    /// A namespace, to open sockets in.
    ///
    /// # Panics
    ///
    /// If this cannot be a namespace's name.
    pub fn netns(&self, name: &str) -> Netns {
        Netns::new(self.clone(), name)
    }

    /// The machine's present.
    pub fn now(&self) -> Instant {
        self.machine.borrow().now()
    }

    /// Does something with the machine: executes ops, asks, observes.
    pub fn with_machine<T>(&self, act: impl FnOnce(&mut dyn Backend) -> T) -> T {
        act(&mut *self.machine.borrow_mut())
    }

    /// Begins a task. The name is for whoever reads of a deadlock.
    pub fn spawn<T: 'static>(&self, name: &str, task: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        let slot: Rc<RefCell<Slot<T>>> = Rc::default();
        let result = Rc::clone(&slot);
        let future = async move {
            let value = task.await;
            let mut slot = result.borrow_mut();
            slot.value = Some(value);
            slot.ended = true;
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
        };
        let mut shared = self.shared.borrow_mut();
        shared.last += 1;
        let id = shared.last;
        let task = Task { name: name.to_owned(), waits_for: String::new(), future: Some(Box::pin(future)) };
        shared.tasks.insert(id, task);
        self.queue.push(id);
        JoinHandle { net: self.clone(), name: name.to_owned(), slot }
    }

    /// Runs a workload of the machine to its end.
    pub async fn probe(&self, probe: Probe) -> Result<Outcome, Fault> {
        let id = self.machine.borrow_mut().start(probe)?;
        Ok(std::future::poll_fn(|cx| {
            let mut shared = self.shared.borrow_mut();
            match shared.outcomes.remove(&id) {
                Some(outcome) => Poll::Ready(outcome),
                None => {
                    shared.wait_for_news(id, "the end of a workload".to_owned(), cx);
                    Poll::Pending
                }
            }
        })
        .await)
    }

    fn poll(&self, id: u64) {
        let future = {
            let mut shared = self.shared.borrow_mut();
            shared.current = id;
            let Some(task) = shared.tasks.get_mut(&id) else { return };
            task.waits_for.clear();
            task.future.take()
        };
        // It is woken while it runs: it runs again.
        let Some(mut future) = future else { return };
        let waker = Waker::from(Arc::new(TaskWaker { id, queue: Arc::clone(&self.queue) }));
        let done = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut shared = self.shared.borrow_mut();
        if done {
            let task = shared.tasks.remove(&id);
            drop(shared);
            drop((task, future));
        } else if let Some(task) = shared.tasks.get_mut(&id) {
            task.future = Some(future);
        } else {
            drop(shared);
            drop(future);
        }
    }

    /// The machine told something.
    fn told(&self, id: ProbeId, event: ProbeEvent) {
        let mut shared = self.shared.borrow_mut();
        match event {
            ProbeEvent::News => {}
            ProbeEvent::Done(outcome) => _ = shared.outcomes.insert(id, outcome),
            _ => return,
        }
        let wakers = shared.wakers.remove(&id).unwrap_or_default();
        drop(shared);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Wakes those whose time has come.
    fn ring(&self, now: Instant) {
        let mut shared = self.shared.borrow_mut();
        let later = shared.timers.split_off(&(now + Duration::from_nanos(1), 0));
        let due = std::mem::replace(&mut shared.timers, later);
        drop(shared);
        due.into_values().for_each(Waker::wake);
    }

    fn deadlock(&self, at: Instant) -> Deadlock {
        let blocked = self.shared.borrow().tasks.values().map(|t| (t.name.clone(), t.waits_for.clone())).collect();
        Deadlock { at, blocked }
    }
}

impl Shared {
    /// The running task waits for news of a socket or for a workload's end.
    pub(super) fn wait_for_news(&mut self, id: ProbeId, what: String, cx: &Context<'_>) {
        let wakers = self.wakers.entry(id).or_default();
        if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            wakers.push(cx.waker().clone());
        }
        self.note(what);
    }

    /// The running task waits for an instant; the answer takes the timer back.
    pub(super) fn wait_until(&mut self, at: Instant, cx: &Context<'_>) -> (Instant, u64) {
        self.last += 1;
        let key = (at, self.last);
        self.timers.insert(key, cx.waker().clone());
        self.note(format!("{at} s"));
        key
    }

    pub(super) fn forget_timer(&mut self, key: (Instant, u64)) {
        self.timers.remove(&key);
    }

    pub(super) fn forget_socket(&mut self, id: ProbeId) {
        self.wakers.remove(&id);
        self.outcomes.remove(&id);
    }

    /// Adds to what the running task waits for.
    pub(super) fn note(&mut self, what: String) {
        let current = self.current;
        if let Some(task) = self.tasks.get_mut(&current) {
            if !task.waits_for.is_empty() {
                task.waits_for += " or ";
            }
            task.waits_for += &what;
        }
    }
}

/// A task's result, to wait for. The task goes on if this is dropped.
pub struct JoinHandle<T> {
    net: Net,
    name: String,
    slot: Rc<RefCell<Slot<T>>>,
}

struct Slot<T> {
    value: Option<T>,
    ended: bool,
    waker: Option<Waker>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Slot { value: None, ended: false, waker: None }
    }
}

impl<T> JoinHandle<T> {
    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.slot.borrow().ended
    }

    fn take(&self) -> Option<T> {
        self.slot.borrow_mut().value.take()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut slot = self.slot.borrow_mut();
        match slot.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                slot.waker = Some(cx.waker().clone());
                self.net.shared.borrow_mut().note(format!("the end of `{}`", self.name));
                Poll::Pending
            }
        }
    }
}

/// So long every task may wait.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
