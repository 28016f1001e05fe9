// The peer in Node: the same runtime loop, the vendor's DynamoDB client built at init, a canned answer to the first event.
import http from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

const client = new DynamoDBClient({ endpoint: process.env.AWS_ENDPOINT_URL, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const call = (method, path, body) => new Promise((resolve, reject) => {
  const request = http.request({ host, port, method, path: `/2018-06-01/runtime/${path}` }, (answer) => {
    const parts = [];
    answer.on('data', (part) => parts.push(part));
    answer.on('end', () => resolve([answer.headers, Buffer.concat(parts)]));
  });
  request.on('error', reject);
  request.end(body);
});
for (;;) {
  const [headers, event] = await call('GET', 'invocation/next');
  JSON.parse(event);
  const body = JSON.stringify({ statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ status: 'ok', region: await client.config.region() }) });
  await call('POST', `invocation/${headers['lambda-runtime-aws-request-id']}/response`, body);
}
