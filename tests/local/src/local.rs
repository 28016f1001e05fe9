//! The composition: services, functions, event sources, servers.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use cloud_core::{Clock, Place, Service, State};
use cloud_events::{Events, Pattern};
use cloud_mail::Mail;
use cloud_media::Media;
use cloud_objects::Objects;
use cloud_objects::cdn::{Cdn, Config as CdnConfig, Cors as CdnCors, Origin};
use cloud_queues::{DeliveryFault, DeliveryFaultKind, Queues};
use cloud_tables::Tables;
use cloud_template::{ApiKind, Endpoints, EventSource, Options as TemplateOptions, Product, RouteKey};
use platform::{Context, Domain as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::calls::Calls;
use crate::connector::InProcess;
use crate::courier::Courier;
use crate::faults::{Faults, Kind, Plan};
use crate::functions::{Functions, spawn};
use crate::gateway::{Cors, Gateway};
use crate::keys::Keys;
use crate::logs::Logs;
use crate::process::Processes;
use crate::sources::{Busy, QueueSource, StreamSource, poll_queue, poll_stream};
use crate::wire::{Services, Wire};
use crate::{control, deploy, oauth};

/// Name of the deployment on this machine.
pub const STAGE: &str = "local";

/// How to start the product.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the repository, where the templates are.
    pub root: PathBuf,
    /// Where the state lives.
    pub state: State,
    /// Port of the API; 0 picks a free one.
    pub api_port: u16,
    /// Port of the AWS-protocol endpoint.
    pub aws_port: u16,
    /// Port of the CDN.
    pub cdn_port: u16,
    /// `on` or `off`.
    pub rate_limits: String,
    /// Folder of release binaries to run instead of the linked functions.
    pub binaries: Option<PathBuf>,
}

impl Options {
    /// In memory, on free ports, without request limits: for tests.
    #[must_use]
    pub fn for_tests() -> Self {
        Self {
            root: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
            state: State::Memory,
            api_port: 0,
            aws_port: 0,
            cdn_port: 0,
            rate_limits: "off".into(),
            binaries: None,
        }
    }
}

/// The services.
pub struct Cloud {
    /// DynamoDB.
    pub tables: Arc<Tables>,
    /// SQS.
    pub queues: Arc<Queues>,
    /// EventBridge.
    pub events: Arc<Events>,
    /// S3.
    pub objects: Arc<Objects>,
    /// MediaConvert.
    pub media: Arc<Media>,
    /// SES, SNS, SSM, Secrets Manager.
    pub mail: Arc<Mail>,
}

/// The running product.
pub struct Local {
    cloud: Cloud,
    /// The clock that everything lives by.
    pub clock: Clock,
    /// Account, region, endpoint.
    pub place: Place,
    /// The functions.
    pub functions: Arc<Functions>,
    /// Faults in force.
    pub faults: Arc<Faults>,
    /// Log lines of functions.
    pub logs: Arc<Logs>,
    /// AWS calls of functions.
    pub calls: Arc<Calls>,
    product: Product,
    keys: Keys,
    busy: Busy,
    state: State,
    addresses: Addresses,
    tasks: std::sync::Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

#[derive(Clone, Debug)]
struct Addresses {
    api: String,
    aws: String,
    cdn: String,
}

impl std::ops::Deref for Local {
    type Target = Cloud;
    fn deref(&self) -> &Cloud {
        &self.cloud
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), String> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|e| format!("port {port}: {e}"))?;
    let address = listener.local_addr().map_err(|e| e.to_string())?;
    Ok((listener, address))
}

impl Local {
    /// Starts everything; answers when all ports take requests.
    ///
    /// # Errors
    /// A sentence that says what is wrong: a port in use, a template that does not resolve, a function that lacks a
    /// setting.
    pub async fn start(options: Options) -> Result<Arc<Self>, String> {
        let (api_listener, api) = listen(options.api_port).await?;
        let (aws_listener, aws) = listen(options.aws_port).await?;
        let (cdn_listener, cdn) = listen(options.cdn_port).await?;
        let addresses = Addresses {
            api: format!("http://{api}"),
            aws: format!("http://{aws}"),
            cdn: format!("http://{cdn}"),
        };
        let place = Place {
            account: "000000000000".into(),
            region: "us-east-1".into(),
            endpoint: addresses.aws.clone(),
        };
        let clock = Clock::new(clock_offset(&options.state));

        let courier = Arc::new(Courier::default());
        let cloud = open(&options.state, &place, &clock, &courier)?;
        let keys = Keys::load(&cloud.mail)?;
        let product = resolve(&options, &place, &addresses, &keys)?;
        let key_pair_id = product.public_keys.first().map(|k| k.id.clone()).unwrap_or_default();
        keys.store(&cloud.mail, &key_pair_id)?;
        oauth::store(&cloud.mail, &addresses.api)?;
        cloud.mail.ensure_identity("example.com").map_err(|e| e.to_string())?;
        cloud.mail.ensure_identity("no-reply@example.com").map_err(|e| e.to_string())?;
        deploy::deploy(&product, &cloud).await?;
        for (table, function) in streams(&product) {
            cloud.tables.register(&function, &table).await.map_err(|e| e.to_string())?;
        }

        let logs = Arc::new(match &options.state {
            State::Memory => Logs::default(),
            State::Dir(root) => Logs::to_file(&root.join("functions.log")).map_err(|e| e.to_string())?,
        });
        let (faults, calls, http) =
            (Arc::new(Faults::default()), Arc::new(Calls::default()), InProcess::default());
        let services = Services {
            tables: cloud.tables.clone() as Arc<dyn Service>,
            objects: cloud.objects.clone(),
            queues: cloud.queues.clone(),
            events: cloud.events.clone(),
            media: cloud.media.clone(),
            mail: cloud.mail.clone(),
        };
        let wire = Arc::new(Wire::new(services, faults.clone(), calls.clone()));
        http.connect(wire.clone());
        let common = BTreeMap::from([
            ("AWS_REGION".to_owned(), place.region.clone()),
            ("AWS_ACCESS_KEY_ID".to_owned(), "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "test".to_owned()),
            ("AWS_ENDPOINT_URL".to_owned(), addresses.aws.clone()),
        ]);
        let sink = logs.clone();
        let functions = Arc::new(Functions::new(
            product.functions.clone(),
            clock.clone(),
            http,
            Arc::new(move |line| sink.push(line)),
            common,
            options.binaries.map(|folder| Processes::new(folder, clock.clone())),
        )?);
        functions.check().map_err(|e| e.to_string())?;
        let _ = courier.functions.set(functions.clone());

        let gateway = Arc::new(gateway(&product, &functions, &clock)?);
        let cdn_service = cdn_of(&product, &cloud, &key_pair_id, &keys)?;
        let local = Arc::new(Self {
            cloud,
            clock,
            place,
            functions,
            faults,
            logs,
            calls,
            product,
            keys,
            busy: Busy::default(),
            state: options.state,
            addresses,
            tasks: std::sync::Mutex::default(),
        });
        local.run_services();
        for queue in local.consumed_queues() {
            // Functions that had received something died with the process before this one.
            local.queues.recall(&queue).map_err(|e| format!("{queue}: {e}"))?;
        }
        local.run_sources()?;
        local.seed().await?;

        let api_router = control::router(local.clone()).merge(oauth::router(local.clone())).fallback(
            move |ConnectInfo(from): ConnectInfo<SocketAddr>, request: Request| {
                let gateway = gateway.clone();
                async move { gateway.answer(request, from).await }
            },
        );
        let aws_router = Router::new().fallback(move |request: Request| {
            let wire = wire.clone();
            async move { wire.answer(request).await }
        });
        local.serve(api_listener, api_router);
        local.serve(aws_listener, aws_router);
        local.serve(cdn_listener, cdn_service.router());
        Ok(local)
    }

    /// Base URL of the API.
    #[must_use]
    pub fn api(&self) -> &str {
        &self.addresses.api
    }

    /// What `GET /_local/info` tells.
    #[must_use]
    pub fn info(&self) -> Value {
        let state = match &self.state {
            State::Memory => "memory".to_owned(),
            State::Dir(path) => path.display().to_string(),
        };
        json!({
            "api": self.addresses.api,
            "websocket": self.addresses.api.replacen("http", "ws", 1),
            "aws_endpoint": self.addresses.aws,
            "cdn": self.addresses.cdn,
            "state": state,
        })
    }

    /// Now, by the product's clock.
    #[must_use]
    pub fn now(&self) -> String {
        platform::Time::from_ms(self.clock.now_ms()).to_string()
    }

    /// A name as deployed.
    #[must_use]
    pub fn staged(&self, name: &str) -> String {
        if name.starts_with(&format!("{STAGE}-")) { name.to_owned() } else { format!("{STAGE}-{name}") }
    }

    /// Every queue that is no dead-letter queue, by its name without the stage.
    #[must_use]
    pub fn queue_list(&self) -> Vec<Value> {
        let stats: BTreeMap<String, _> =
            self.queues.stats().into_iter().map(|s| (s.name.clone(), s)).collect();
        let short = |name: &str| name.strip_prefix(&format!("{STAGE}-")).unwrap_or(name).to_owned();
        let dead: Vec<&String> = stats.values().filter_map(|s| s.dlq.as_ref()).collect();
        stats
            .values()
            .filter(|s| !dead.contains(&&s.name))
            .map(|s| {
                let dlq = s.dlq.as_ref().map(|name| {
                    json!({"name": short(name), "visible": stats.get(name).map_or(0, |d| d.visible + d.in_flight)})
                });
                json!({
                    "name": short(&s.name), "visible": s.visible, "in_flight": s.in_flight, "delayed": s.delayed, "dlq": dlq,
                })
            })
            .collect()
    }

    /// Jumps forward: each schedule that fell due runs once, then delays, visibility and TTL go by the new time.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn advance(&self, by: Duration) -> Result<(), String> {
        self.clock.advance(by);
        if let State::Dir(root) = &self.state {
            std::fs::write(root.join("clock"), self.clock.offset_ms().to_string())
                .map_err(|e| e.to_string())?;
        }
        // The scheduler wakes by itself; wait until nothing is overdue any more.
        for _ in 0..500 {
            let now = self.clock.now_ms();
            let overdue = self
                .events
                .schedules()
                .iter()
                .any(|s| s.enabled && s.next_due_ms.is_some_and(|due| due <= now));
            if !overdue {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.tables.sweep().await.map_err(|e| e.to_string())?;
        Ok(())
    }

    /// Replaces all faults.
    pub fn set_faults(&self, plan: &Plan) {
        let deliveries = plan.rules.iter().filter(|r| r.is_delivery()).filter_map(|rule| {
            let kind = match rule.kind {
                Kind::Duplicate => DeliveryFaultKind::Duplicate { copies: rule.copies.unwrap_or(1) },
                Kind::Reorder => DeliveryFaultKind::Reorder,
                Kind::Delay => {
                    DeliveryFaultKind::Delay { by: Duration::from_millis(rule.delay_ms.unwrap_or(1000)) }
                }
                _ => return None,
            };
            Some(DeliveryFault {
                queue: rule.target.as_deref().filter(|t| *t != "sqs").map(|t| self.staged(t)),
                kind,
                probability: rule.probability.unwrap_or(1.0),
                times: rule.times,
            })
        });
        self.queues.set_delivery_faults(plan.seed, deliveries.collect());
        self.faults.set(plan);
    }

    /// Waits until nothing is in hand: no message that is due within a minute, no stream record, no event, no
    /// transcoding job.
    ///
    /// # Errors
    /// What is left when the time is over.
    pub async fn idle(&self, at_most: Duration) -> Result<(), Vec<String>> {
        let until = tokio::time::Instant::now() + at_most;
        let mut quiet = 0;
        loop {
            let left = self.left().await;
            quiet = if left.is_empty() { quiet + 1 } else { 0 };
            // Twice in a row: between two services there is a moment in which neither holds the work.
            if quiet >= 3 {
                return Ok(());
            }
            if tokio::time::Instant::now() >= until {
                return Err(left);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        let mut add = |count: usize, what: &str| {
            if count > 0 {
                left.push(format!("{what}: {count}"));
            }
        };
        add(self.busy.now(), "batches in hand");
        add(self.media.active(), "transcoding jobs");
        add(self.mail.active(), "notifications of topics");
        add(self.objects.pending().unwrap_or(0), "notifications of buckets");
        add(self.events.pending().map_or(0, |p| p.undelivered), "events");
        let soon = self.clock.now_ms() + 60_000;
        let consumed = self.consumed_queues();
        for queue in self.queues.stats().into_iter().filter(|q| consumed.contains(&q.name)) {
            let waits = queue.visible > 0 || queue.next_due_ms.is_some_and(|due| due <= soon);
            add(if waits { queue.visible + queue.in_flight + queue.delayed } else { 0 }, &queue.name);
        }
        for (table, function) in streams(&self.product) {
            let position = self.tables.position(&function, &table).await.ok().flatten();
            let behind = self.tables.stream_records(&table, position.as_deref(), 1).await;
            add(behind.map_or(0, |r| r.len()), &format!("stream of {table}"));
        }
        left
    }

    /// An access token for tests: these roles, no session.
    ///
    /// # Errors
    /// When the user id is not one.
    pub fn token(&self, user: Option<&str>, roles: &[String]) -> Result<(String, i64), String> {
        const LIFETIME_S: i64 = 1800;
        let user = match user {
            Some(text) => platform::ids::UserId::parse(text).ok_or("user_id is not an id")?.to_string(),
            None => crate::functions::request_id(),
        };
        let now = self.clock.now_s();
        let claims = json!({
            "sub": user, "roles": roles, "iss": "creator-commerce", "aud": "creator-commerce",
            "iat": now, "exp": now + LIFETIME_S, "jti": crate::functions::request_id(),
        });
        Ok((self.keys.sign(&claims)?, LIFETIME_S))
    }

    /// Empties everything and seeds again.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn reset(&self) -> Result<(), String> {
        self.set_faults(&Plan::default());
        self.media.reset().await.map_err(|e| e.to_string())?;
        self.queues.reset().map_err(|e| e.to_string())?;
        self.objects.reset().map_err(|e| e.to_string())?;
        self.events.reset().map_err(|e| e.to_string())?;
        self.mail.reset().map_err(|e| e.to_string())?;
        self.tables.clear().await.map_err(|e| e.to_string())?;
        let key_pair_id = self.product.public_keys.first().map(|k| k.id.clone()).unwrap_or_default();
        self.keys.store(&self.mail, &key_pair_id)?;
        oauth::store(&self.mail, &self.addresses.api)?;
        self.mail.ensure_identity("example.com").map_err(|e| e.to_string())?;
        self.mail.ensure_identity("no-reply@example.com").map_err(|e| e.to_string())?;
        deploy::deploy(&self.product, &self.cloud).await?;
        for (table, function) in streams(&self.product) {
            self.tables.register(&function, &table).await.map_err(|e| e.to_string())?;
        }
        self.seed().await
    }

    /// Stops everything that runs in the background and closes the ports.
    pub fn stop(&self) {
        for task in self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }

    fn keep(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(spawn(work));
    }

    fn serve(&self, listener: TcpListener, router: Router) {
        self.keep(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            if let Err(error) = axum::serve(listener, service).await {
                tracing::error!(%error, "a server stopped");
            }
        });
    }

    fn run_services(&self) {
        self.keep(self.tables.clone().run());
        let events = self.events.clone();
        self.keep(async move { events.run().await });
        let objects = self.objects.clone();
        self.keep(async move { objects.run().await });
        self.keep(self.media.clone().run());
        self.keep(self.mail.clone().run());
    }

    fn run_sources(&self) -> Result<(), String> {
        for function in &self.product.functions {
            for source in &function.events {
                match source {
                    EventSource::Sqs { queue_arn, batch_size, report_failures, enabled: true, .. } => {
                        let source = QueueSource {
                            queue: queue_arn.rsplit(':').next().unwrap_or_default().to_owned(),
                            arn: queue_arn.clone(),
                            function: function.name.clone(),
                            batch_size: usize::try_from(*batch_size).unwrap_or(10),
                            reports_failures: *report_failures,
                        };
                        self.keep(poll_queue(
                            source,
                            self.queues.clone(),
                            self.functions.clone(),
                            self.busy.clone(),
                        ));
                    }
                    EventSource::DynamoDbStream { table, batch_size, filters, enabled: true, .. } => {
                        let filters = filters.iter().map(Pattern::from_value).collect::<Result<Vec<_>, _>>();
                        let source = StreamSource {
                            table: table.clone(),
                            function: function.name.clone(),
                            batch_size: usize::try_from(*batch_size).unwrap_or(100),
                            filters: filters.map_err(|e| format!("{}: {e}", function.name))?,
                        };
                        self.keep(poll_stream(
                            source,
                            self.tables.clone(),
                            self.functions.clone(),
                            self.busy.clone(),
                        ));
                    }
                    // Schedules are rules; the bus runs them.
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn consumed_queues(&self) -> Vec<String> {
        let sources = self.product.functions.iter().flat_map(|f| &f.events);
        sources
            .filter_map(|s| match s {
                EventSource::Sqs { queue_arn, .. } => queue_arn.rsplit(':').next().map(str::to_owned),
                _ => None,
            })
            .collect()
    }

    async fn seed(&self) -> Result<(), String> {
        let env = self.functions.env_of("identity-register").map_err(|e| e.to_string())?;
        let identity = identity::Identity::from_env(&env).map_err(|e| e.to_string())?;
        let context = Context::new(env.clock.clone(), env.random.clone(), "seed", 60_000);
        identity::seed(&identity, &context).await.map_err(|e| e.to_string())
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Streams that functions read: table and function.
fn streams(product: &Product) -> Vec<(String, String)> {
    let sources = product.functions.iter().flat_map(|f| f.events.iter().map(move |s| (f, s)));
    sources
        .filter_map(|(f, s)| match s {
            EventSource::DynamoDbStream { table, .. } => Some((table.clone(), f.name.clone())),
            _ => None,
        })
        .collect()
}

fn clock_offset(state: &State) -> i64 {
    match state {
        State::Memory => 0,
        State::Dir(root) => {
            std::fs::read_to_string(root.join("clock")).ok().and_then(|t| t.trim().parse().ok()).unwrap_or(0)
        }
    }
}

fn open(state: &State, place: &Place, clock: &Clock, courier: &Arc<Courier>) -> Result<Cloud, String> {
    let queues = Queues::open(state, place.clone(), clock.clone()).map_err(|e| e.to_string())?;
    let _ = courier.queues.set(queues.clone());
    let events =
        Events::open(state, place.clone(), clock.clone(), courier.clone()).map_err(|e| e.to_string())?;
    let _ = courier.events.set(events.clone());
    let objects = Objects::open(state, place.clone(), clock.clone(), courier.clone(), courier.clone())
        .map_err(|e| e.to_string())?;
    let _ = courier.objects.set(objects.clone());
    Ok(Cloud {
        tables: Tables::open(state, place.clone(), clock.clone()).map_err(|e| e.to_string())?,
        media: Media::open(state, place.clone(), clock.clone(), courier.clone(), courier.clone())
            .map_err(|e| e.to_string())?,
        mail: Mail::open(state, place.clone(), clock.clone(), courier.clone()).map_err(|e| e.to_string())?,
        queues,
        events,
        objects,
    })
}

fn resolve(options: &Options, place: &Place, addresses: &Addresses, keys: &Keys) -> Result<Product, String> {
    let parameters = BTreeMap::from([
        ("Stage".to_owned(), STAGE.to_owned()),
        ("RateLimits".to_owned(), options.rate_limits.clone()),
        ("CdnPublicKey".to_owned(), keys.cdn_public.clone()),
        ("CdnUrl".to_owned(), addresses.cdn.clone()),
        ("PublicUrl".to_owned(), addresses.api.clone()),
        ("AppUrl".to_owned(), addresses.api.clone()),
    ]);
    let resolved = cloud_template::read(
        &options.root.join("template.yaml"),
        &TemplateOptions {
            stack_name: STAGE.to_owned(),
            place: place.clone(),
            endpoints: Endpoints {
                http: addresses.api.clone(),
                websocket: addresses.api.replacen("http", "ws", 1),
                connections: addresses.aws.clone(),
                cdn: addresses.cdn.clone(),
            },
            parameters,
            dynamic: &|_| None,
        },
    );
    resolved.map_err(|e| e.to_string())
}

fn gateway(product: &Product, functions: &Arc<Functions>, clock: &Clock) -> Result<Gateway, String> {
    let api = product.apis.iter().find(|a| a.kind == ApiKind::Http).ok_or("the template has no HTTP API")?;
    let routes: Vec<(String, String, String)> = product
        .routes
        .iter()
        .filter(|r| r.permitted)
        .filter_map(|r| match &r.key {
            RouteKey::Http { method, path } => Some((method.clone(), path.clone(), r.function.clone())),
            RouteKey::Default => Some(("$default".into(), "$default".into(), r.function.clone())),
            RouteKey::WebSocket(_) => None,
        })
        .collect();
    let cors = api.cors.clone().unwrap_or_default();
    let cors = Cors {
        origins: cors.origins,
        methods: cors.methods,
        headers: cors.headers,
        expose: cors.exposed,
        credentials: cors.credentials,
        max_age_s: cors.max_age_s.unwrap_or(0),
    };
    Gateway::new(&api.id, &routes, cors, functions.clone(), clock.clone())
}

fn cdn_of(product: &Product, cloud: &Cloud, key_pair_id: &str, keys: &Keys) -> Result<Cdn, String> {
    let media = product
        .buckets
        .iter()
        .find(|b| b.logical_id == "MediaBucket")
        .ok_or("the template has no MediaBucket")?;
    let config = CdnConfig {
        origins: vec![Origin { prefix: "/".into(), bucket: media.name.clone(), signed: true }],
        trusted_keys: HashMap::from([(key_pair_id.to_owned(), keys.cdn_public.clone())]),
        cors: CdnCors::default(),
    };
    Cdn::new(cloud.objects.clone(), config).map_err(|e| e.to_string())
}
