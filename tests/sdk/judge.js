// SPDX-License-Identifier: Apache-2.0
// Okta's SDK for Node, told what to do by lines of JSON on stdin; one line of JSON per answer.
'use strict';

const https = require('https');
const HttpsProxyAgent = require('https-proxy-agent');
const readline = require('readline');
const okta = require('@okta/okta-sdk-nodejs');

// The SDK asks for tokens without the agent that it has for the proxy, so the proxy becomes everybody's.
https.globalAgent = new HttpsProxyAgent(process.env.HTTPS_PROXY);

const clients = {};

function makeClient({ client, settings }) {
  const { retries, dpop, kid, ...rest } = settings; // this SDK finds out by itself that an app wants DPoP
  const executor = new okta.DefaultRequestExecutor({ maxRetries: retries === undefined ? 2 : retries });
  clients[client] = new okta.Client({ ...rest, keyId: kid, requestExecutor: executor, cacheMiddleware: null });
  return {};
}

function event(of) {
  return [of.uuid, of.eventType, of.published.toISOString(), (of.actor && of.actor.alternateId) ?? null,
    (of.outcome && of.outcome.result) ?? null, (of.target || []).map((target) => target.id)];
}

function user(of) {
  return [of.id, of.status, of.created.toISOString(), of.profile.login, of.profile.email, of.profile.firstName,
    of.profile.lastName];
}

// What a program that uses the SDK can see of a refusal.
function error(of) {
  if (of.status === undefined) {
    throw of;
  }
  return { error: { kind: of.name, status: of.status, code: of.errorCode ?? null, summary: of.errorSummary ?? null,
    causes: (of.errorCauses || []).map((cause) => cause.errorSummary),
    challenge: of.headers.get('www-authenticate'), text: of.message } };
}

// Counts the pages of a collection by the SDK's own announcements; gives [how to read the count, how to end].
function pageCounter(client) {
  let count = 0;
  const onResponse = (response) => { count += response.status === 200 && response.url.includes('/api/v1/') ? 1 : 0; };
  client.requestExecutor.on('response', onResponse);
  return [() => count, () => client.requestExecutor.off('response', onResponse)];
}

async function everything(client, collection, shown) {
  const items = [];
  const [count, end] = pageCounter(client);
  try {
    await (await collection).each((item) => { items.push(shown(item)); });
    return { items, pages: count() };
  } finally {
    end();
  }
}

const events = ({ client, query }) =>
  everything(clients[client], clients[client].systemLogApi.listLogEvents(query), event);

const users = ({ client, query }) => everything(clients[client], clients[client].userApi.listUsers(query), user);

async function getUser({ client, id }) {
  return { items: [user(await clients[client].userApi.getUser({ userId: id }))], pages: 1 };
}

async function factors({ client, id }) {
  const items = [];
  await (await clients[client].userFactorApi.listFactors({ userId: id }))
    .each((f) => { items.push([f.id, f.factorType, f.provider, f.status, f.created.toISOString()]); });
  return { items, pages: 1 };
}

async function verify({ client, id, factor, body, forwarded, agent }) {
  const got = await clients[client].userFactorApi.verifyFactor(
    { userId: id, factorId: factor, body, xForwardedFor: forwarded, userAgent: agent });
  const poll = got._links && got._links.poll;
  const challenge = got._embedded && got._embedded.challenge;
  return { items: [[got.factorResult, challenge ? challenge.correctAnswer : null,
    poll ? poll.href.split('/').pop() : null]], pages: 1 };
}

async function poll({ client, id, factor, transaction }) {
  const got = await clients[client].userFactorApi.getFactorTransactionStatus(
    { userId: id, factorId: factor, transactionId: transaction });
  return { items: [[got.factorResult]], pages: 1 };
}

// The SDK's own way to follow the log: a subscription.
async function follow({ client, query, want }) {
  const items = [];
  const [count, end] = pageCounter(clients[client]);
  const collection = await clients[client].systemLogApi.listLogEvents(query);
  return new Promise((resolve, reject) => {
    const finish = (done, value) => { subscription.unsubscribe(); end(); done(value); };
    const subscription = collection.subscribe({
      interval: 50,
      next(item) {
        items.push(event(item));
        if (items.length === want) {
          finish(resolve, { items, pages: count() });
        }
      },
      error(failed) { finish(reject, failed); },
      complete() {},
    });
  });
}

// Sends what the SDK made for one request two times, without making it anew.
async function twice({ client, path }) {
  const { http, requestExecutor, baseUrl } = clients[client];
  const request = { url: baseUrl + path, method: 'GET', headers: { ...http.defaultHeaders }, agent: http.agent };
  await http.prepareRequest(request);
  const answers = [await requestExecutor.fetch(request), await requestExecutor.fetch(request)];
  return { statuses: answers.map((answer) => answer.status),
    challenges: answers.map((answer) => answer.headers.get('www-authenticate')) };
}

const COMMANDS = { client: makeClient, events, follow, users, user: getUser, factors, verify, poll,
  twice };

async function obey(command) {
  try {
    return await Promise.resolve().then(() => COMMANDS[command.do](command)).catch(error);
  } catch (failed) {
    return { broken: String(failed.stack || failed) };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    const answer = await obey(command);
    process.stdout.write(JSON.stringify({ ...answer, number: command.number }) + '\n');
  }
}

main();
