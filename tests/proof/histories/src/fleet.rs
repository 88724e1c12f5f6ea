//! The functions as Lambda runs them: processes that fetch their invocations from a runtime API, behind a
//! gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use clorp_sam::Template;
use jiff::Timestamp;
use tokio::process::Command;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::history::{Fault, Recorder};

/// Time limit of a function that answers HTTP requests, as in the template.
const HTTP_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit of a function that a schedule invokes, as in the template.
const SCHEDULE_TIMEOUT: Duration = Duration::from_secs(60);
/// Time for which the gateway waits for a function, as API Gateway does.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause before an instance is started again that has ended by itself.
const PAUSE_AFTER_DEATH: Duration = Duration::from_millis(500);

/// The reason why an invocation has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The instance ended before it answered.
    Crashed,
    /// The function took too long.
    TimedOut,
    /// The function answered with an error.
    Refused,
}

/// An invocation that waits for an instance, or runs.
struct Job {
    id: u64,
    payload: String,
    reply: oneshot::Sender<Result<Bytes, Failed>>,
}

/// A function with the queue of its invocations.
struct Function {
    name: String,
    program: PathBuf,
    timeout: Duration,
    sender: mpsc::UnboundedSender<Job>,
    receiver: tokio::sync::Mutex<mpsc::UnboundedReceiver<Job>>,
}

/// A place for one process at a time.
struct Instance {
    function: Arc<Function>,
    state: Mutex<Process>,
    kill: Notify,
}

#[derive(Default)]
struct Process {
    /// Number of the process in its place, counted from 1. A request of an earlier one gets no job.
    generation: u64,
    pid: Option<u32>,
    running: Option<Job>,
    /// True from the order to kill the process until its end.
    condemned: bool,
}

impl Instance {
    fn look(&self) -> MutexGuard<'_, Process> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All functions with their instances.
pub struct Fleet {
    template: Template,
    functions: BTreeMap<String, Arc<Function>>,
    instances: Vec<Instance>,
    variables: Vec<(String, String)>,
    recorder: Arc<Recorder>,
    log: std::fs::File,
    runtime: String,
    next: AtomicU64,
    closing: AtomicBool,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet").field("functions", &self.functions.keys()).finish_non_exhaustive()
    }
}

/// The parts that a fleet is made of.
pub struct Parts {
    /// The template with the routes.
    pub template: Template,
    /// The program and the number of instances of each function.
    pub functions: Vec<(String, PathBuf, usize)>,
    /// The environment of every instance.
    pub variables: Vec<(String, String)>,
    /// The file for the functions' log.
    pub log: std::fs::File,
    /// The record of the run.
    pub recorder: Arc<Recorder>,
}

impl Fleet {
    /// Starts every instance. The tasks that keep them go into `tasks`.
    ///
    /// # Errors
    /// Fails if no port is free.
    pub async fn start(parts: Parts, tasks: &mut JoinSet<()>) -> Result<Arc<Self>> {
        let Parts { template, functions, variables, log, recorder } = parts;
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.context("a port for the runtime")?;
        let runtime = listener.local_addr()?.to_string();
        let scheduled = template.scheduled_functions();
        let (mut by_name, mut instances) = (BTreeMap::new(), Vec::new());
        for (name, program, count) in functions {
            let (sender, receiver) = mpsc::unbounded_channel();
            let timeout = if scheduled.contains(&name) { SCHEDULE_TIMEOUT } else { HTTP_TIMEOUT };
            let receiver = tokio::sync::Mutex::new(receiver);
            let function = Arc::new(Function { name: name.clone(), program, timeout, sender, receiver });
            instances.extend((0..count).map(|_| Instance {
                function: Arc::clone(&function),
                state: Mutex::default(),
                kill: Notify::new(),
            }));
            by_name.insert(name, function);
        }
        let fleet = Arc::new(Self {
            template,
            functions: by_name,
            instances,
            variables,
            recorder,
            log,
            runtime,
            next: AtomicU64::new(0),
            closing: AtomicBool::new(false),
        });
        let router = runtime_api(Arc::clone(&fleet));
        tasks.spawn(async move { drop(axum::serve(listener, router).await) });
        for place in 0..fleet.instances.len() {
            tasks.spawn(keep(Arc::clone(&fleet), place));
        }
        Ok(fleet)
    }

    /// The function that answers requests to a path.
    pub fn function_for(&self, path: &str) -> Option<&str> {
        self.template.function_for(path)
    }

    /// Invokes a function, and waits for its answer.
    ///
    /// # Errors
    /// [`Failed`] if there is none. The function may have taken effect.
    pub async fn invoke(&self, function: &str, payload: String) -> Result<Bytes, Failed> {
        let function = self.functions.get(function).ok_or(Failed::Refused)?;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        let job = Job { id, payload, reply };
        function.sender.send(job).map_err(|_| Failed::Crashed)?;
        let limit = function.timeout.max(GATEWAY_TIMEOUT);
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Failed::Crashed),
            Err(_) => Err(Failed::TimedOut),
        }
    }

    /// Waits at most `patience` until an instance of the function answers a request, then `delay`, and kills
    /// that instance. Kills an idle one if none is busy. Returns the process id and whether it was busy.
    pub async fn kill_one(&self, name: &str, patience: Duration, delay: Duration) -> Option<(u32, bool)> {
        let of: Vec<&Instance> =
            self.instances.iter().filter(|instance| instance.function.name == name).collect();
        let began = tokio::time::Instant::now();
        let victim = loop {
            let busy = of.iter().find(|instance| instance.look().running.is_some());
            if let Some(busy) = busy {
                break *busy;
            }
            if began.elapsed() > patience {
                break *of.first()?;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        tokio::time::sleep(delay).await;
        let mut process = victim.look();
        let pid = process.pid.filter(|_| !process.condemned)?;
        process.condemned = true;
        let busy = process.running.is_some();
        drop(process);
        victim.kill.notify_one();
        Some((pid, busy))
    }

    /// Kills every instance. Nothing is started afterwards.
    pub fn stop(&self) {
        self.closing.store(true, Ordering::Relaxed);
        for instance in &self.instances {
            instance.kill.notify_one();
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    fn command(&self, place: usize, generation: u64) -> Result<Command> {
        let function = &self.instances[place].function;
        let mut command = Command::new(&function.program);
        // The developer's variables must not reach the functions.
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
            .env("AWS_LAMBDA_RUNTIME_API", format!("http://{}/{place}/{generation}", self.runtime))
            .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .stdin(Stdio::null())
            .stdout(self.log.try_clone()?)
            .stderr(self.log.try_clone()?)
            .kill_on_drop(true);
        Ok(command)
    }
}

/// Keeps a process in its place until the fleet stops.
async fn keep(fleet: Arc<Fleet>, place: usize) {
    let instance = &fleet.instances[place];
    while !fleet.is_closing() {
        let generation = instance.look().generation + 1;
        let spawned = fleet.command(place, generation).and_then(|mut command| Ok(command.spawn()?));
        let Ok(mut child) = spawned else {
            tokio::time::sleep(PAUSE_AFTER_DEATH).await;
            continue;
        };
        *instance.look() = Process { generation, pid: child.id(), ..Process::default() };
        let (status, killed) = tokio::select! {
            status = child.wait() => (status, false),
            () = instance.kill.notified() => {
                // Fails only if the process has ended.
                let _ended = child.start_kill();
                (child.wait().await, true)
            }
        };
        let orphan = {
            let mut process = instance.look();
            process.pid = None;
            process.running.take()
        };
        if let Some(job) = orphan {
            // Sending fails only if the gateway has given up.
            let _gone = job.reply.send(Err(Failed::Crashed));
        }
        if !killed && !fleet.is_closing() {
            let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            let function = instance.function.name.clone();
            fleet.recorder.fault(Fault::Death { at_nanos: fleet.recorder.nanos(), function, status });
            tokio::time::sleep(PAUSE_AFTER_DEATH).await;
        }
    }
}

/// The runtime API of Lambda, with a path for each process.
fn runtime_api(fleet: Arc<Fleet>) -> Router {
    let base = "/{place}/{generation}/2018-06-01/runtime";
    Router::new()
        .route(&format!("{base}/invocation/next"), get(next))
        .route(&format!("{base}/invocation/{{id}}/response"), post(respond))
        .route(&format!("{base}/invocation/{{id}}/error"), post(fail))
        .route(&format!("{base}/init/error"), post(async || StatusCode::ACCEPTED))
        .with_state(fleet)
}

/// Gives a process its next invocation.
async fn next(State(fleet): State<Arc<Fleet>>, Path((place, generation)): Path<(usize, u64)>) -> Response {
    let Some(instance) = fleet.instances.get(place) else { return StatusCode::NOT_FOUND.into_response() };
    let function = &instance.function;
    let job = loop {
        let job = function.receiver.lock().await.recv().await;
        let Some(job) = job else { return StatusCode::GONE.into_response() };
        if !job.reply.is_closed() {
            break job;
        }
    };
    let (id, payload) = (job.id, job.payload.clone());
    {
        let mut process = instance.look();
        if process.generation != generation || process.pid.is_none() || process.condemned {
            drop(process);
            // The queue lives as long as the fleet.
            let _sent = function.sender.send(job);
            return StatusCode::GONE.into_response();
        }
        process.running = Some(job);
    }
    tokio::spawn(end_when_overdue(Arc::clone(&fleet), place, id));
    let deadline =
        Timestamp::now().as_millisecond() + i64::try_from(function.timeout.as_millis()).unwrap_or(0);
    let headers = [
        ("lambda-runtime-aws-request-id", id.to_string()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", format!("arn:aws:lambda:local:0:function:{}", function.name)),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, payload).into_response()
}

/// Kills a process that has not answered in time, as Lambda does.
async fn end_when_overdue(fleet: Arc<Fleet>, place: usize, id: u64) {
    let instance = &fleet.instances[place];
    tokio::time::sleep(instance.function.timeout).await;
    let overdue = {
        let mut process = instance.look();
        let overdue = process.running.as_ref().is_some_and(|job| job.id == id) && !process.condemned;
        process.condemned |= overdue;
        overdue
    };
    if overdue {
        instance.kill.notify_one();
    }
}

fn take_job(fleet: &Fleet, place: usize, generation: u64, id: u64) -> Option<Job> {
    let mut process = fleet.instances.get(place)?.look();
    let fits = process.generation == generation && process.running.as_ref().is_some_and(|job| job.id == id);
    if fits { process.running.take() } else { None }
}

async fn respond(
    State(fleet): State<Arc<Fleet>>,
    Path((place, generation, id)): Path<(usize, u64, u64)>,
    body: Bytes,
) -> StatusCode {
    finish(&fleet, place, generation, id, Ok(body))
}

async fn fail(
    State(fleet): State<Arc<Fleet>>,
    Path((place, generation, id)): Path<(usize, u64, u64)>,
) -> StatusCode {
    finish(&fleet, place, generation, id, Err(Failed::Refused))
}

fn finish(
    fleet: &Fleet,
    place: usize,
    generation: u64,
    id: u64,
    answer: Result<Bytes, Failed>,
) -> StatusCode {
    match take_job(fleet, place, generation, id) {
        Some(job) => {
            // Sending fails only if the gateway has given up.
            let _gone = job.reply.send(answer);
            StatusCode::ACCEPTED
        }
        None => StatusCode::NOT_FOUND,
    }
}
