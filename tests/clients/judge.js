// SPDX-License-Identifier: Apache-2.0
// node-vault, told what to do by lines of JSON on stdin; one line of JSON per answer.
'use strict';
const readline = require('readline');
const nodeVault = require('node-vault');

let client = null;

// An answer as the judges show it.
function shown(answer) {
  return answer ? { data: answer.data, auth: answer.auth, wrap: answer.wrap_info } : null;
}

function accessors(mounts) {
  return Object.fromEntries(Object.entries(mounts.data).map(([path, mount]) => [path, mount.accessor]));
}

// Not found: nothing, as the other libraries have it.
async function found(promise) {
  try {
    return shown(await promise);
  } catch (refused) {
    if (refused.response && refused.response.statusCode === 404) return null;
    throw refused;
  }
}

const actions = {
  connect: async (q) => { client = nodeVault({ endpoint: q.address, token: q.token || undefined }); },
  read: (q) => found(client.read(q.path)),
  list: (q) => found(client.list(q.path)),
  mfa_read: (q) => found(client.read(q.path, { headers: { 'X-Vault-MFA': q.mfa } })),
  write: async (q) => shown(await client.write(q.path, q.data)),
  delete: async (q) => shown(await client.delete(q.path)),
  health: () => client.health(),
  seal_status: () => client.status(),
  auth_enable: async (q) => shown(await client.enableAuth({ mount_point: q.path, type: q.type })),
  auth_disable: async (q) => shown(await client.disableAuth({ mount_point: q.path })),
  auth_list: async () => accessors(await client.auths()),
  mount: async (q) => shown(await client.mount({ mount_point: q.path, type: q.type })),
  mount_list: async () => accessors(await client.mounts()),
  policy_put: async (q) => shown(await client.addPolicy({ name: q.name, rules: q.text })),
  policy_get: async (q) => (await client.getPolicy({ name: q.name })).rules,
  policy_list: async () => (await client.policies()).policies,
  policy_delete: async (q) => shown(await client.removePolicy({ name: q.name })),
  kv_put: async (q) => shown(await client.write(`${q.name}/${q.path}`, q.data)),
  kv_get: async (q) => (await client.read(`${q.name}/${q.path}`)).data,
  token_create: async (q) => shown(await client.tokenCreate({ policies: [q.name], ttl: q.ttl })),
  token_lookup: async () => shown(await client.tokenLookupSelf()),
  token_renew: async () => shown(await client.tokenRenewSelf({ increment: 60 })),
  token_revoke: async () => shown(await client.tokenRevokeSelf()),
  login: async (q) => shown(await nodeVault({ endpoint: q.address }).userpassLogin(
    { mount_point: q.path, username: q.user, password: q.password })),
  capabilities: async (q) => (await client.write('sys/capabilities-self', { paths: [q.path] })).capabilities,
  wrapped_read: async (q) => (await client.read(q.path, { headers: { 'X-Vault-Wrap-TTL': q.ttl } })).wrap_info.token,
  unwrap: async (q) => shown(await client.unwrap({ token: q.token })),
};

async function answer(q) {
  try {
    const result = await actions[q.do](q);
    return { result: result === undefined ? null : result };
  } catch (refused) {
    if (!refused.response) return { broken: String(refused.stack) };
    const body = refused.response.body || {};
    return { error: { status: refused.response.statusCode, errors: body.errors || [] } };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const q = JSON.parse(line);
    process.stdout.write(JSON.stringify({ number: q.number, ...await answer(q) }) + '\n');
  }
}

main();
