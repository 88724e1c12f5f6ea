// Drives a whole drop through the client that hey-api's openapi-ts made.
import { end, tell } from "./bench.mjs";
import { createClient, createConfig } from "./hey/client/index.ts";
import * as sdk from "./hey/sdk.gen.ts";
import type { SubmissionGrade } from "./hey/types.gen.ts";

const { url, sender: senderKey, worker: workerKey } = await tell({ ask: "world" });
const as = (auth: string) => createClient(createConfig({ baseUrl: url, auth: auth.replace("Bearer ", "") }));
const [sender, worker] = [as(senderKey), as(workerKey)];

type Result<T, E> = { data?: T; error?: E; response?: Response };

/** Tells the test what a call returned, and returns what the call promises on success. */
async function step<T, E>(name: string, { data, error, response }: Result<T, E>): Promise<T> {
    await tell({ step: name, status: response?.status, body: data ?? error });
    if (data === undefined) throw error;
    return data;
}

/** Tells the test about a refusal, and returns its body. */
async function refused<T, E>(name: string, { data, error, response }: Result<T, E>): Promise<E> {
    await tell({ step: name, status: response?.status, body: data ?? error });
    if (error === undefined) throw new Error(`${name} was not refused`);
    return error;
}

const order = { prompt: "Roast this build", pack: "roast", price_cents: 500 } as const;
const estimate = await step("estimate", await sdk.dropsRun({ client: sender, body: order }));
if (!("needs_confirmation" in estimate)) throw new Error("the estimate is a drop");

const confirmed = { body: { ...order, confirmed: true }, headers: { "Idempotency-Key": "a-drop" } };
const drop = await step("post", await sdk.dropsRun({ client: sender, ...confirmed }));
if (!("id" in drop)) throw new Error("the drop is an estimate");
const again = await sdk.dropsRun({ client: sender, ...confirmed });
await step("post again", again);
if (again.response?.headers.get("Idempotency-Replayed") !== "true") throw new Error("the drop was posted again");

const board = await step("board", await sdk.boardList({ client: sender, query: { sort: "newest" } }));
if (!board.some(({ id }) => id === drop.id)) throw new Error("the drop is not on the board");

const path = { id: drop.id };
const claimed = await step("claim", await sdk.dropsClaim({ client: worker, path }));
if (claimed.your_claim?.submission_id !== null) throw new Error("the claim has a submission");
const early = await refused("early verdict", await sdk.dropsVerdict({ client: sender, path }));
if (early.code !== "verdict_not_ready") throw early;
const output_text = "Documentation by archaeology: it compiles, which is the pitch.";
await step("submit", await sdk.dropsSubmit({ client: worker, path, body: { output_text } }));
await tell({ ask: "settle" });

const verdict = await step("verdict", await sdk.dropsVerdict({ client: sender, path }));
const grade: SubmissionGrade | undefined = verdict.submissions[0]?.grade;
const ended = await step("read", await sdk.dropsGet({ client: sender, path }));
if (ended.status !== "completed" || ended.grade !== grade) throw new Error("the drop has another grade");

for (let cursor: string | undefined, page = 1; page === 1 || cursor; page++) {
    const query = cursor ? { limit: 1, cursor } : { limit: 1 };
    const read = await sdk.walletBalance({ client: worker, query });
    await step("wallet", read);
    cursor = read.response?.headers.get("X-Next-Cursor") ?? undefined;
}

const empty = { ...order, prompt: " " };
const problem = await refused("refused", await sdk.dropsRun({ client: sender, body: empty }));
if (problem.code !== "prompt_required" || problem.field !== "/prompt") throw problem;

// The generated client reads the finished timeline as events, and stops at the 204 after the last one.
const seen: object[] = [];
const onSseEvent = ({ event, id, data }: { event?: string; id?: string; data: unknown }) => {
    seen.push({ event, id, data });
};
const { stream } = await sdk.dropsLogs({ client: sender, path, onSseEvent });
for await (const data of stream) if (data === undefined) throw new Error("an event without data");
await tell({ timeline: seen });
end();
