// A page of clorp that signs people in with @supabase/supabase-js, and calls the API with their tokens.
import { createClient } from "@supabase/supabase-js";
import { end, tell } from "./bench.mjs";

const { issuer, anonKey, api, email, password } = await tell({ ask: "world" });
const saw = (name, value) => tell({ name, saw: value });
const page = () => {
    const { auth } = createClient(issuer, anonKey, { auth: { persistSession: false, autoRefreshToken: false } });
    const events = [];
    auth.onAuthStateChange((event) => void events.push(event));
    return { auth, events };
};
const signedIn = async () => {
    const it = page();
    const { data, error } = await it.auth.signInWithPassword({ email, password });
    if (error) throw error;
    return { ...it, session: data.session };
};
const problem = ({ error }) => error && { class: error.name, status: error.status ?? null, code: error.code ?? null };
const call = async (method, path, token) => {
    const response = await fetch(api + path, { method, headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.json() };
};
const whoami = (token) => call("POST", "/api/whoami", token);

const { auth } = page();
await saw("a wrong password", problem(await auth.signInWithPassword({ email, password: "wrong" })));
await saw("an unknown address", problem(await auth.signInWithPassword({ email: "nobody@example.com", password })));
await saw("a phone number", problem(await auth.signInWithPassword({ phone: "+15550100", password })));

const ada = await signedIn();
const { user, token_type, expires_in, access_token, refresh_token } = ada.session;
await saw("a session by password", { id: user.id, email: user.email, token_type, expires_in });
await saw("the user", (await ada.auth.getUser()).data.user.id);
await saw("a forged token", problem(await ada.auth.getUser(`${access_token}x`)));
const { data: { claims } } = await ada.auth.getClaims();
await saw("the claims", { sub: claims.sub, role: claims.role, aud: claims.aud, aal: claims.aal });
await saw("the caller of the API", (await whoami(access_token)).body.user.id);

// The page refreshes a session by itself when little of it is left.
const short = await tell({ ask: "session", expires_in: 100 });
const open = page();
await open.auth.setSession(short.session);
const renewed = new Promise((resolve) => open.auth.onAuthStateChange((event, session) => {
    if (event === "TOKEN_REFRESHED") resolve(session);
}));
await open.auth.startAutoRefresh();
const { refresh_token: next, expires_in: lasts } = await renewed;
await open.auth.stopAutoRefresh();
await saw("a session refreshed by itself", { other: next !== short.session.refresh_token, lasts });

// A token that names its user differently counts if it is newer than the one before, by whole seconds.
await tell({ ask: "a minute" });
await ada.auth.updateUser({ data: { full_name: "Ada Lovelace" } });
const second = (await ada.auth.refreshSession()).data.session;
const other = second.refresh_token !== refresh_token && second.access_token !== access_token;
// The API records the name beside its answer, so the next request sees it.
await whoami(second.access_token);
const { body: account } = await call("GET", `/api/users/${user.id}`, second.access_token);
await saw("a refreshed session", { other, name: account.name });
const { data: reused } = await page().auth.refreshSession({ refresh_token });
await saw("a token reused at once", { successor: reused.session.refresh_token === second.refresh_token });

const [here, there] = [await signedIn(), await signedIn()];
await saw("signing others out", problem(await here.auth.signOut({ scope: "others" })));
await saw("the session of another device", problem(await there.auth.refreshSession()));
const stays = (await here.auth.refreshSession()).data.session;
await saw("signing out here", problem(await here.auth.signOut({ scope: "local" })));
await saw("the session here", { session: (await here.auth.getSession()).data.session, last: here.events.at(-1) });
await saw("its refresh token", problem(await page().auth.refreshSession({ refresh_token: stays.refresh_token })));

const [one, two] = [await signedIn(), await signedIn()];
await saw("signing out everywhere", problem(await one.auth.signOut()));
await saw("the user of an ended session", problem(await two.auth.getUser(two.session.access_token)));
const ended = { refresh_token: two.session.refresh_token };
await saw("the refresh of an ended session", problem(await page().auth.refreshSession(ended)));
await saw("its token at the API until it expires", (await whoami(two.session.access_token)).status);

// A token is stolen: its thief uses it long after its owner did.
const victim = await signedIn();
await victim.auth.refreshSession();
const last = (await victim.auth.refreshSession()).data.session;
await tell({ ask: "a minute" });
const stolen = { refresh_token: victim.session.refresh_token };
await saw("a token reused late", problem(await page().auth.refreshSession(stolen)));
await tell({ ask: "a minute" });
await saw("the session that it belonged to", problem(await page().auth.refreshSession(last)));
end();
