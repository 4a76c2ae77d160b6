// Login → list → acknowledge with the SDK generated from openapi.yaml.
import { acknowledgeIncident, createSession, listIncidents } from './sdk/index.js';
import { client } from './sdk/client.gen.js';

const [server, email, password] = process.argv.slice(2);
if (!server || !email || !password) throw new Error('usage: main SERVER EMAIL PASSWORD');

client.setConfig({ baseUrl: server, throwOnError: true });
const session = await createSession({ body: { email, password }, throwOnError: true });
const token: string = session.data.access_token;
client.setConfig({ auth: () => token });

const page = await listIncidents({ query: { status: ['triggered'], limit: 10 }, throwOnError: true });
const first = page.data.items[0];
if (!first) throw new Error('no triggered incident in the list');

const key = `sdk-${Date.now()}`;
const done = await acknowledgeIncident({ path: { incident_id: first.id }, headers: { 'Idempotency-Key': key }, throwOnError: true });
if (!done.data.changed || done.data.incident.status !== 'acknowledged') throw new Error(`not acknowledged: ${JSON.stringify(done.data)}`);
console.log(`acknowledged #${done.data.incident.number} as ${done.data.incident.acknowledged_by?.name}`);
