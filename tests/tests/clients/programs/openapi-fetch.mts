// Drives a whole drop through openapi-fetch, with the types that openapi-typescript made.
import createClient from "openapi-fetch";
import { end, tell } from "./bench.mjs";
import type { components, paths } from "./schema.ts";

const { url, sender: senderKey, worker: workerKey } = await tell({ ask: "world" });
const as = (authorization: string) => createClient<paths>({ baseUrl: url, headers: { authorization } });
const [sender, worker] = [as(senderKey), as(workerKey)];

type Result<T, E> = { data?: T; error?: E; response: Response };

/** Tells the test what a call returned, and returns what the call promises on success. */
async function step<T, E>(name: string, { data, error, response }: Result<T, E>): Promise<T> {
    await tell({ step: name, status: response.status, body: data ?? error });
    if (data === undefined) throw error;
    return data;
}

/** Tells the test about a refusal, and returns its body. */
async function refused<T, E>(name: string, { data, error, response }: Result<T, E>): Promise<E> {
    await tell({ step: name, status: response.status, body: data ?? error });
    if (error === undefined) throw new Error(`${name} was not refused`);
    return error;
}

const order = { prompt: "Roast this build", pack: "roast", price_cents: 500 } as const;
const estimate = await step("estimate", await sender.POST("/api/jobs/run", { body: order }));
if (!("needs_confirmation" in estimate)) throw new Error("the estimate is a drop");

const confirmed = { body: { ...order, confirmed: true }, params: { header: { "Idempotency-Key": "a-drop" } } };
const drop = await step("post", await sender.POST("/api/jobs/run", confirmed));
if (!("id" in drop)) throw new Error("the drop is an estimate");
const again = await sender.POST("/api/jobs/run", confirmed);
await step("post again", again);
if (again.response.headers.get("Idempotency-Replayed") !== "true") throw new Error("the drop was posted again");

const newest = { params: { query: { sort: "newest" } } } as const;
const board = await step("board", await sender.GET("/api/board", newest));
if (!board.some(({ id }) => id === drop.id)) throw new Error("the drop is not on the board");

const at = { params: { path: { id: drop.id } } };
const claimed = await step("claim", await worker.POST("/api/jobs/{id}/claim", at));
if (claimed.your_claim?.submission_id !== null) throw new Error("the claim has a submission");
const early = await refused("early verdict", await sender.GET("/api/jobs/{id}/verdict", at));
if (early.code !== "verdict_not_ready") throw early;
const output_text = "Documentation by archaeology: it compiles, which is the pitch.";
await step("submit", await worker.POST("/api/jobs/{id}/submit", { ...at, body: { output_text } }));
await tell({ ask: "settle" });

const verdict = await step("verdict", await sender.GET("/api/jobs/{id}/verdict", at));
const grade: components["schemas"]["SubmissionGrade"] | undefined = verdict.submissions[0]?.grade;
const ended = await step("read", await sender.GET("/api/jobs/{id}", at));
if (ended.status !== "completed" || ended.grade !== grade) throw new Error("the drop has another grade");

for (let cursor: string | undefined, page = 1; page === 1 || cursor; page++) {
    const query = cursor ? { limit: 1, cursor } : { limit: 1 };
    const read = await worker.GET("/api/wallet/balance", { params: { query } });
    await step("wallet", read);
    cursor = read.response.headers.get("X-Next-Cursor") ?? undefined;
}

const empty = { ...order, prompt: " " };
const problem = await refused("refused", await sender.POST("/api/jobs/run", { body: empty }));
if (problem.code !== "prompt_required" || problem.field !== "/prompt") throw problem;
end();
