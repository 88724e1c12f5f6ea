//! Reads routes, functions and the table from `template.yaml`, so that the local stack agrees with the
//! deployment.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use yaml_serde::Value;

/// The parts of the SAM template that the local stack and the tests use.
#[derive(Clone, Debug)]
pub struct Template {
    functions: Vec<Function>,
    table: Value,
}

/// An `AWS::Serverless::Function` of the template.
#[derive(Clone, Debug)]
struct Function {
    binary: String,
    paths: Vec<String>,
}

/// A path of the HTTP API, and the function that answers all methods on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The path in API Gateway's syntax: `/api/jobs/{id}`, or `/{proxy+}` for a catch-all.
    pub path: String,
    /// The binary's name, from `Metadata.BuildProperties.Binary`.
    pub function: String,
}

/// The parameters of CreateTable for the template's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// The attributes that keys use.
    pub attributes: Vec<AttributeSpec>,
    /// The table's own key.
    pub key: KeySpec,
    /// The global secondary indexes, by name.
    pub indexes: Vec<IndexSpec>,
    /// The attribute with an item's expiry in seconds since the epoch, if items expire.
    pub ttl_attribute: Option<String>,
}

/// A key attribute and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeSpec {
    /// The attribute's name.
    pub name: String,
    /// DynamoDB's letter for the type: `S`, `N` or `B`.
    pub kind: String,
}

/// The attributes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// The partition key.
    pub hash: String,
    /// The sort key.
    pub range: Option<String>,
}

/// A global secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSpec {
    /// The index's name.
    pub name: String,
    /// The index's key.
    pub key: KeySpec,
    /// The attributes that its entries hold in addition to the keys.
    pub projection: Projection,
}

/// The attributes that an index's entries hold in addition to the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// Every attribute of the item.
    All,
    /// No other attribute.
    KeysOnly,
    /// The listed attributes, sorted.
    Include(Vec<String>),
}

impl Template {
    /// Reads the template at the root of this workspace.
    pub fn from_repo() -> Result<Self> {
        Self::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml"))
    }

    /// Reads the template at `path`. Fails if a function names no binary, or if the local router cannot serve
    /// a route in the same way.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let document: Value = yaml_serde::from_str(text)?;
        let resources = entries(&document, "Resources")?;
        let functions = of_type(&resources, "AWS::Serverless::Function")
            .map(|(id, resource)| Function::parse(resource).with_context(|| id.to_string()))
            .collect::<Result<Vec<_>>>()?;
        let mut tables = of_type(&resources, "AWS::DynamoDB::Table");
        let (_, table) = tables.next().context("no AWS::DynamoDB::Table")?;
        ensure!(tables.next().is_none(), "more than one AWS::DynamoDB::Table");
        let template = Self { functions, table: table.clone() };
        template.refuse_shared_routes()?;
        Ok(template)
    }

    fn refuse_shared_routes(&self) -> Result<()> {
        match self.routes().windows(2).find(|pair| pair[0].path == pair[1].path) {
            Some(pair) => bail!("{} is a route twice", pair[0].path),
            None => Ok(()),
        }
    }

    /// Every route of the HTTP API, sorted by path.
    pub fn routes(&self) -> Vec<Route> {
        let mut routes: Vec<_> = self
            .functions
            .iter()
            .flat_map(|f| f.paths.iter().map(|p| Route { path: p.clone(), function: f.binary.clone() }))
            .collect();
        routes.sort();
        routes
    }

    /// The binaries of all functions, sorted.
    pub fn functions(&self) -> Vec<String> {
        self.binaries(|_| true)
    }

    /// The binaries of the functions with HTTP routes, sorted.
    pub fn http_functions(&self) -> Vec<String> {
        self.binaries(|function| !function.paths.is_empty())
    }

    /// The binaries of the functions without HTTP routes, which a schedule invokes, sorted.
    pub fn scheduled_functions(&self) -> Vec<String> {
        self.binaries(|function| function.paths.is_empty())
    }

    fn binaries(&self, keep: impl Fn(&Function) -> bool) -> Vec<String> {
        let mut names: Vec<_> = self.functions.iter().filter(|f| keep(f)).map(|f| f.binary.clone()).collect();
        names.sort();
        names
    }

    /// The binary that API Gateway calls for a request to `path` (without its query string). A literal
    /// segment takes precedence over a parameter, and a parameter over a catch-all. `None` if no route
    /// matches.
    pub fn function_for(&self, path: &str) -> Option<&str> {
        self.functions
            .iter()
            .flat_map(|function| function.paths.iter().map(move |route| (route, function)))
            .filter_map(|(route, function)| Some((specificity(route, path)?, function)))
            .min_by(|(one, _), (other, _)| one.cmp(other))
            .map(|(_, function)| function.binary.as_str())
    }

    /// The routes as the `[watch.router]` table of a cargo-lambda configuration file, which writes paths as
    /// `/api/jobs/{id}` and `/{*proxy}`.
    pub fn watch_router_toml(&self) -> String {
        let mut routes = self.routes();
        let catch_all = routes.iter().find(|route| route.path.strip_prefix('/').is_some_and(is_catch_all));
        // cargo-lambda's catch-all matches at least one character, so the root needs its own route.
        if let Some(function) = catch_all.map(|route| route.function.clone())
            && !routes.iter().any(|route| route.path == "/")
        {
            routes.insert(0, Route { path: "/".into(), function });
        }
        let lines = routes.iter().map(|r| format!("\"{}\" = \"{}\"\n", watch_path(&r.path), r.function));
        std::iter::once("[watch.router]\n".to_string()).chain(lines).collect()
    }

    /// The table's keys, indexes and expiry.
    pub fn table(&self) -> Result<TableSpec> {
        TableSpec::parse(field(&self.table, "Properties")?).context("in the table")
    }
}

impl Function {
    fn parse(resource: &Value) -> Result<Self> {
        let build = field(field(resource, "Metadata")?, "BuildProperties")?;
        let events = match field(resource, "Properties")?.get("Events") {
            Some(_) => entries(field(resource, "Properties")?, "Events")?,
            None => Vec::new(),
        };
        let routes = of_type(&events, "HttpApi")
            .map(|(id, event)| method_and_path(event).with_context(|| format!("event {id}")))
            .collect::<Result<Vec<_>>>()?;
        let (any, of_one_method): (Vec<_>, Vec<_>) = routes.into_iter().partition(|(m, _)| m == "ANY");
        let paths: Vec<String> = any.into_iter().map(|(_, path)| path).collect();
        for (method, path) in of_one_method {
            ensure!(
                paths.contains(&path),
                "{path}: the functions answer 405 themselves, so Method must be ANY beside {method}"
            );
        }
        Ok(Self { binary: text(build, "Binary")?.to_string(), paths })
    }
}

/// The method and the path of an `HttpApi` event. A method of its own is for the gateway's throttles only.
fn method_and_path(event: &Value) -> Result<(String, String)> {
    let properties = field(event, "Properties")?;
    let (path, method) = (text(properties, "Path")?, text(properties, "Method")?);
    ensure!(path.starts_with('/'), "{path}: a path must start with a slash");
    Ok((method.to_string(), path.to_string()))
}

impl TableSpec {
    fn parse(properties: &Value) -> Result<Self> {
        let attributes = list(properties, "AttributeDefinitions")?.iter().map(AttributeSpec::parse);
        let mut indexes = match properties.get("GlobalSecondaryIndexes") {
            Some(_) => list(properties, "GlobalSecondaryIndexes")?
                .iter()
                .map(IndexSpec::parse)
                .collect::<Result<Vec<_>>>()?,
            None => Vec::new(),
        };
        indexes.sort_by(|one, other| one.name.cmp(&other.name));
        let ttl_attribute = match properties.get("TimeToLiveSpecification") {
            Some(ttl) => Some(text(ttl, "AttributeName")?.to_string()),
            None => None,
        };
        let key = KeySpec::parse(properties)?;
        Ok(Self { attributes: attributes.collect::<Result<_>>()?, key, indexes, ttl_attribute })
    }
}

impl AttributeSpec {
    fn parse(value: &Value) -> Result<Self> {
        let (name, kind) = (text(value, "AttributeName")?, text(value, "AttributeType")?);
        Ok(Self { name: name.to_string(), kind: kind.to_string() })
    }
}

impl KeySpec {
    fn parse(owner: &Value) -> Result<Self> {
        let (mut hash, mut range) = (None, None);
        for part in list(owner, "KeySchema")? {
            let name = text(part, "AttributeName")?.to_string();
            match text(part, "KeyType")? {
                "HASH" => hash = Some(name),
                "RANGE" => range = Some(name),
                other => bail!("unknown KeyType {other}"),
            }
        }
        Ok(Self { hash: hash.context("KeySchema without a HASH key")?, range })
    }
}

impl IndexSpec {
    fn parse(value: &Value) -> Result<Self> {
        let name = text(value, "IndexName")?.to_string();
        let key = KeySpec::parse(value).with_context(|| format!("index {name}"))?;
        let projection =
            Projection::parse(field(value, "Projection")?).with_context(|| format!("index {name}"))?;
        Ok(Self { name, key, projection })
    }
}

impl Projection {
    fn parse(value: &Value) -> Result<Self> {
        match text(value, "ProjectionType")? {
            "ALL" => Ok(Self::All),
            "KEYS_ONLY" => Ok(Self::KeysOnly),
            "INCLUDE" => {
                let names = list(value, "NonKeyAttributes")?;
                let names =
                    names.iter().map(|name| name.as_str().context("an attribute name that is not a string"));
                let mut names: Vec<_> = names.map(|n| n.map(str::to_string)).collect::<Result<_>>()?;
                names.sort();
                Ok(Self::Include(names))
            }
            other => bail!("unknown ProjectionType {other}"),
        }
    }
}

/// The way in which a segment of a route matches. Values sort by precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal,
    Parameter,
    Rest,
}

/// The way in which `route` matches `path`, segment by segment; `None` if it does not. The least value takes
/// precedence.
fn specificity(route: &str, path: &str) -> Option<Vec<Segment>> {
    let mut rest = path.strip_prefix('/')?;
    let mut segments = Vec::new();
    let mut pattern = route.strip_prefix('/')?.split('/').peekable();
    while let Some(expected) = pattern.next() {
        if is_catch_all(expected) {
            segments.push(Segment::Rest);
            return (!rest.is_empty()).then_some(segments);
        }
        let (actual, after) = rest.split_once('/').map_or((rest, None), |(a, b)| (a, Some(b)));
        segments.push(match_segment(expected, actual)?);
        match (after, pattern.peek()) {
            (Some(after), Some(_)) => rest = after,
            (None, None) => return Some(segments),
            _ => return None,
        }
    }
    None
}

/// The way in which one segment of a route matches one segment of a path.
fn match_segment(expected: &str, actual: &str) -> Option<Segment> {
    if expected == actual {
        return Some(Segment::Literal);
    }
    (is_parameter(expected) && !actual.is_empty()).then_some(Segment::Parameter)
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

fn is_catch_all(segment: &str) -> bool {
    is_parameter(segment) && segment.ends_with("+}")
}

/// A route's path in cargo-lambda's syntax.
fn watch_path(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.strip_suffix("+}") {
        Some(name) if is_catch_all(segment) => format!("{{*{}}}", name.trim_start_matches('{')),
        _ => segment.to_string(),
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The named entries of the mapping at `key`.
fn entries<'a>(value: &'a Value, key: &str) -> Result<Vec<(&'a str, &'a Value)>> {
    let mapping = field(value, key)?.as_mapping().with_context(|| format!("{key} is not a mapping"))?;
    mapping
        .iter()
        .map(|(name, value)| Ok((name.as_str().context("a key that is not a string")?, value)))
        .collect()
}

/// The entries with `kind` as their `Type`.
fn of_type<'a>(
    entries: &'a [(&'a str, &'a Value)],
    kind: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let matches = move |value: &Value| value.get("Type").and_then(Value::as_str) == Some(kind);
    entries.iter().copied().filter(move |(_, value)| matches(value))
}

fn field<'a>(value: &'a Value, key: &str) -> Result<&'a Value> {
    value.get(key).with_context(|| format!("{key} is missing"))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a [Value]> {
    match field(value, key)? {
        Value::Sequence(items) => Ok(items),
        _ => bail!("{key} is not a list"),
    }
}

/// The string at `key`. Fails if CloudFormation computes it (`!Sub`, `!Ref`), because its value is unknown
/// here.
fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    match field(value, key)? {
        Value::String(text) => Ok(text),
        Value::Tagged(tagged) => bail!("{key} is computed ({}), and must be a plain string", tagged.tag),
        _ => bail!("{key} is not a string"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repo() -> Template {
        Template::from_repo().unwrap()
    }

    /// A template with one function for each `(binary, path)`.
    fn with_routes(routes: &[(&str, &str)]) -> Result<Template> {
        let functions = routes.iter().enumerate().map(|(n, (binary, path))| {
            format!(
                "  F{n}:
    Type: AWS::Serverless::Function
    Metadata: {{ BuildProperties: {{ Binary: {binary} }} }}
    Properties:
      Role: !GetAtt Role.Arn
      Events:
        Call: {{ Type: HttpApi, Properties: {{ Method: ANY, Path: \"{path}\" }} }}
        Tick: {{ Type: Schedule, Properties: {{ Schedule: rate(1 minute) }} }}
"
            )
        });
        let table = "  Table: { Type: AWS::DynamoDB::Table, Properties: {} }\n";
        Template::parse(&format!("Resources:\n{table}{}", functions.collect::<String>()))
    }

    #[test]
    fn every_function_is_called_by_http_or_by_a_schedule() {
        let http = ["board", "connect", "drops", "stripe-webhook", "uploads", "users", "verify", "wallet"];
        assert_eq!(repo().http_functions(), http);
        assert_eq!(repo().scheduled_functions(), ["ranking", "reconciler"]);
        let mut all = [&http[..], &["ranking", "reconciler"]].concat();
        all.sort_unstable();
        assert_eq!(repo().functions(), all);
    }

    #[test]
    fn a_path_goes_to_the_most_specific_route() {
        let check = |path, function| assert_eq!(repo().function_for(path), Some(function), "{path}");
        check("/api/jobs", "drops");
        check("/api/jobs/run", "drops");
        check("/api/jobs/01ABC", "drops");
        check("/api/jobs/01ABC/claim", "drops");
        check("/api/jobs/01ABC/unknown", "board");
        check("/api/jobs/01ABC/claim/deeper", "board");
        check("/api/jobs/", "board");
        check("/api/users/status", "users");
        check("/api/users/01ABC", "users");
        check("/api/wallet/balance", "wallet");
        check("/api/wallet/auto-topup", "wallet");
        check("/api/wallet", "board");
        check("/api/stripe/connect", "connect");
        check("/api/stripe/connect/status", "connect");
        check("/api/stripe/webhook", "stripe-webhook");
        check("/api/stripe/webhook/", "board");
        check("/api/board/stats", "board");
        check("/anything/at/all", "board");
        check("/", "board");
    }

    #[test]
    fn literals_precede_parameters_and_parameters_precede_a_catch_all() {
        let routes = [("rest", "/{all+}"), ("one", "/a/{id}"), ("exact", "/a/b"), ("deep", "/{x}/b/c")];
        let template = with_routes(&routes).unwrap();
        let check = |path, function| assert_eq!(template.function_for(path), function, "{path}");
        check("/a/b", Some("exact"));
        check("/a/c", Some("one"));
        check("/a/b/c", Some("deep"));
        check("/a/", Some("rest"));
        check("/a/b/d", Some("rest"));
        check("/", None);
        check("no-slash", None);
    }

    #[test]
    fn the_local_router_gets_every_route_and_the_root() {
        let template = with_routes(&[("jobs", "/api/jobs/{id}"), ("rest", "/{proxy+}")]).unwrap();
        let expected =
            "[watch.router]\n\"/\" = \"rest\"\n\"/api/jobs/{id}\" = \"jobs\"\n\"/{*proxy}\" = \"rest\"\n";
        assert_eq!(template.watch_router_toml(), expected);
    }

    #[test]
    fn the_root_is_not_routed_twice() {
        let toml = repo().watch_router_toml();
        assert_eq!(toml.matches("\"/\" = ").count(), 1, "{toml}");
        assert_eq!(toml.lines().count(), repo().routes().len() + 1, "{toml}");
    }

    #[test]
    fn a_route_that_the_local_router_cannot_serve_is_rejected() {
        let twice = with_routes(&[("one", "/a"), ("other", "/a")]).unwrap_err();
        assert!(format!("{twice:#}").contains("/a is a route twice"), "{twice:#}");
        let text =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml")).unwrap();
        for (from, to, problem) in [
            (
                "Method: ANY, Path: /api/jobs }",
                "Method: GET, Path: /api/jobs }",
                "Method must be ANY beside GET",
            ),
            ("Path: /api/jobs }", "Path: !Sub /api/jobs }", "Path is computed (!Sub)"),
            ("Binary: drops", "Bin: drops", "Binary is missing"),
        ] {
            assert!(text.contains(from), "{from}");
            let error = Template::parse(&text.replace(from, to)).unwrap_err();
            assert!(format!("{error:#}").contains(problem), "{error:#}");
        }
    }

    #[test]
    fn the_table_is_read_completely() {
        let table = repo().table().unwrap();
        assert_eq!(table.key, KeySpec { hash: "pk".into(), range: Some("sk".into()) });
        assert_eq!(table.ttl_attribute.as_deref(), Some("expires_at"));
        let names: Vec<_> = table.indexes.iter().map(|index| index.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "board_closing",
                "board_newest",
                "board_price",
                "by_sender",
                "directory_earnings",
                "directory_wins",
                "pending"
            ]
        );
        let newest = IndexSpec {
            name: "board_newest".into(),
            key: KeySpec { hash: "board".into(), range: Some("newest".into()) },
            projection: Projection::Include(vec!["price_cents".into(), "window_closes_at".into()]),
        };
        assert_eq!(table.indexes[1], newest);
        assert_eq!(table.indexes[4].projection, Projection::KeysOnly);
        assert_eq!(table.attributes.len(), 12);
        let numbers = table.attributes.iter().filter(|attribute| attribute.kind == "N");
        let numbers: Vec<&str> = numbers.map(|attribute| attribute.name.as_str()).collect();
        assert_eq!(numbers, ["by_earnings", "by_wins"]);
    }
}
