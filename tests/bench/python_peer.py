"""The peer in Python: the same runtime loop, boto3's DynamoDB client built at init, a canned answer to the first event."""
import http.client
import json
import os

import boto3

client = boto3.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    connection.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = connection.getresponse()
    json.loads(answer.read())
    request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    body = json.dumps({"status": "ok", "region": client.meta.region_name})
    payload = json.dumps({"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body})
    connection.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", payload)
    connection.getresponse().read()
