// Follows a drop's timeline through the `eventsource` package, which reconnects by itself.
import { EventSource } from "eventsource";
import { end, tell } from "./bench.mjs";

const { url, drop, reader } = await tell({ ask: "world" });
const withKey = (input, init) => fetch(input, { ...init, headers: { ...init.headers, authorization: reader } });
const source = new EventSource(`${url}/api/jobs/${drop}/logs`, { fetch: withKey });

let turn = Promise.resolve();
const say = (what) => (turn = turn.then(() => tell(what)));

// An event without a listener would be lost unseen, so each kind has one, and so has an event without a kind.
const kinds = ["created", "opened", "claimed", "submitted", "ranking", "completed", "cancelled", "expired", "done"];
for (const kind of [...kinds, "message"]) {
    source.addEventListener(kind, ({ type, lastEventId, data }) => {
        say({ event: { event: type, id: lastEventId, data: JSON.parse(data) } });
    });
}
source.addEventListener("error", ({ code }) => {
    if (source.readyState === EventSource.CLOSED) say({ closed: code }).then(end);
});
