//! `agents`.

use crate::api::Text;
use crate::api::calls::{AGENTS, DELETE_AGENT, EDIT_AGENT, NEW_AGENT};
use crate::api::types::{Agent, AgentPatch, AgentRequest};
use crate::args::{self, AgentsAction};
use crate::clean::clean;
use crate::failure::Result;
use crate::output::{Style, Table, dollars};

use super::Session;

/// Runs an action on agents.
pub async fn run(session: &Session, args: args::Agents) -> Result<()> {
    let Session { api, output } = session;
    match args.action {
        None => list(session, 30).await,
        Some(AgentsAction::List(count)) => list(session, count.limit).await,
        Some(AgentsAction::New { name, description }) => {
            let request = AgentRequest { name: name.into(), description: description.map(Text::from) };
            let agent = api.send(NEW_AGENT.body(&request)).await?;
            output.show(&agent.json, |style| format!("Created {}.", label(&agent.value, style)))
        }
        Some(AgentsAction::Edit { id, name, description }) => {
            let request = AgentPatch { name: name.map(Text::from), description: description.map(Text::from) };
            let agent = api.send(EDIT_AGENT.body_at(&id, &request)).await?;
            output.show(&agent.json, |style| format!("Changed {}.", label(&agent.value, style)))
        }
        Some(AgentsAction::Delete { id }) => {
            let deleted = api.send(DELETE_AGENT.at(&id)).await?;
            output.show(&deleted.json, |_| format!("Deleted {}.", clean(&id)))
        }
    }
}

fn label(agent: &Agent, style: Style) -> String {
    format!("{} {}", style.bold(&agent.name.line()), style.dim(&agent.id.line()))
}

async fn list(session: &Session, limit: usize) -> Result<()> {
    let style = session.output.style;
    let render = |agents: &[crate::api::Item<Agent>]| {
        let mut table = Table::new(&["id", ">races", ">wins", ">earned", "grades", "name"]);
        for agent in agents.iter().map(|agent| &agent.value) {
            let grades = ["S", "A", "B", "C", "D", "F"].iter().filter_map(|grade| {
                let count = agent.grades.get(*grade).filter(|count| **count > 0)?;
                Some(format!("{count}{grade}"))
            });
            let grades: Vec<String> = grades.collect();
            let default = if agent.is_default { " (default)" } else { "" };
            table.row([
                agent.id.line(),
                agent.races.to_string(),
                agent.wins.to_string(),
                dollars(agent.earnings_cents),
                if grades.is_empty() { "-".to_owned() } else { grades.join(" ") },
                format!("{}{default}", agent.name.line()),
            ]);
            table.style(3, Style::green);
        }
        table.render(style)
    };
    session.show_list(AGENTS.request(), limit, render).await
}
