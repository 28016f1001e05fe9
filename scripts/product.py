"""For the scripts beside this file: the one-machine product as a process, and sample events that are true in it.

The events in events/ name people, videos and tokens that exist nowhere. `Samples` makes such things in the running
product, through its API, and puts their ids and tokens where the sample's stand."""
import base64, functools, hashlib, hmac, json, os, random, re, socket, struct, subprocess, tempfile, threading, time, urllib.error, urllib.parse, urllib.request, uuid

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PASSWORD = "correct horse battery"


GIVEN, GIVING = set(), threading.Lock()


def free_port():
    """A port that nobody has: below those that the system gives to clients, and no one twice."""
    with GIVING:
        while True:
            port = random.randrange(12_000, 32_000)
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                except OSError:
                    continue
            if port not in GIVEN:
                GIVEN.add(port)
                return port


def call(url, body=None, headers=None, method=None, timeout=120):
    """The JSON that a URL answers; an error status raises, with the answer in its text."""
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{request.get_method()} {url}: {error.code} {error.read()[:500].decode(errors='replace')}") from None


class Product:
    """The one-machine product, in memory, on free ports, without request limits."""

    def __init__(self, binary=None):
        self.binary = binary or os.environ.get("LOCAL_BINARY") or f"{ROOT}/target/release/local"

    def __enter__(self):
        ports = {"PORT": free_port(), "AWS_PORT": free_port(), "CDN_PORT": free_port()}
        env = {**os.environ, **{k: str(v) for k, v in ports.items()}, "LOCAL_STATE": "memory", "RATE_LIMITS": "off"}
        self.process = subprocess.Popen([self.binary], env=env, stdout=subprocess.DEVNULL)
        self.api, self.aws = f"http://127.0.0.1:{ports['PORT']}", f"http://127.0.0.1:{ports['AWS_PORT']}"
        for _ in range(600):
            try:
                self.call("/_local/info")
                return self
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise TimeoutError("the product did not start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def call(self, path, body=None, token=None, method=None):
        return call(self.api + path, body, {"authorization": f"Bearer {token}"} if token else None, method)

    def admin(self):
        return self.call("/auth/login", {"email": "admin@example.com", "password": "local-admin-password"})

    def person(self):
        """Somebody new: `user`, `access_token`, `refresh_token`."""
        name = f"hana{uuid.uuid4().hex[:12]}"
        return self.call("/auth/register", {"email": f"{name}@example.com", "username": name, "password": PASSWORD, "language": "ja"})

    def settled(self):
        self.call("/_local/idle?timeout_s=60")

    def link_token(self, email):
        """The token of the newest link mailed to an address."""
        self.settled()
        mails = self.call(f"/_local/mails?to={urllib.parse.quote(email)}")["items"]
        return re.findall(r"token=([A-Za-z0-9_-]{20,})", json.dumps(mails))[0]

    def upload(self, token, size, kind="video/mp4"):
        return self.call("/api/upload/initiate", {"filename": "a.mp4", "content_type": kind, "size_bytes": size, "kind": "video", "title": "海辺の夕暮れ"}, token)

    def video(self, token, publish=True):
        """A two-second video that is ready, or published; its upload's `video_id`, `upload_id`."""
        upload = self.upload(token, os.path.getsize(clip()))
        put(upload["url"], open(clip(), "rb").read(), upload["headers"])
        while (status := self.call(f"/api/videos/{upload['video_id']}/status", token=token))["status"] != "ready":
            if status["status"] == "failed":
                raise RuntimeError(status)
            time.sleep(0.05)
        if publish:
            self.call(f"/api/videos/{upload['video_id']}/publish", {}, token)
        return upload


def put(url, data, headers=None):
    """Sends bytes to a signed URL; its entity tag."""
    with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}, method="PUT"), timeout=120) as answer:
        return answer.headers["etag"].strip('"')


@functools.cache
def clip():
    path = f"{ROOT}/target/clips/script-320x180-2s.mp4"
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        subprocess.run(["ffmpeg", "-y", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=2", "-c:v", "libx264", "-preset", "ultrafast",
                        "-pix_fmt", "yuv420p", "-movflags", "+faststart", f"{path}.{os.getpid()}.mp4"], check=True)
        os.rename(f"{path}.{os.getpid()}.mp4", path)
    return path


def totp(secret, at):
    """RFC 6238: six digits, SHA-1, 30 seconds."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start:start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


# What stands in the samples.
USER, ACTOR, SESSION = "019aa0f3-7c1e-7d42-9b6a-3f0e5c8d2a71", "019aa0f1-22b0-7f0d-94e1-c85d3a7b6e02", "019aa0f3-7c55-7a10-8c33-91d4e7f60b12"
VIDEO, UPLOAD, COMMENT = "019aa0e8-5c41-7aa9-8b1e-2f6d90c3e714", "019aa0e8-5c41-7d10-a4f2-77c1b09e3d55", "019aa0f5-91c2-7e08-b3d4-0a6f5e2c9b81"
NOTIFICATION, KEY = "019aa0f3-9d20-7e63-b5c8-0f7a2d914c36", "b7c4b6de-3a91-4f0e-8a52-1c9f7d3e6a04"
LINK, CODE, EMAIL = "q8Zt4mV1xN7cR2pKfY0sLbW5hJ9dGuA3eQoT6iXnMvE", "492039", "hana@example.com"
REFRESH = "AZqg83weXUKbaj8OXI0qcQGaoPN8VXoQjDOR1Of2CxJQ6uPAbFz8k0s3J1nVq9Tzq0W2cYp7dLr5uX4hKmB8eG1vNtZ6oC3fQyHjRwA"
OAUTH_CODE, PLAYBACK = "4%2F0AVMBsJh3Qw8ZrTnK1xYp", "1795233600.2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
PUBLISH_AT, ACCOUNT = "2026-11-21T09:00:00.000Z", "123456789012"
FORGED = "AAAAAAAA"


class Samples:
    """Sample events of functions, made true in a product."""

    def __init__(self, product):
        self.product, self.lock, self.shared = product, threading.Lock(), None

    def event(self, name, kind):
        """The event `ok` or `bad` of a function, with things that exist."""
        area, short = name.split("-", 1)
        with open(f"{ROOT}/events/{area}/{short}/{kind}.json") as file:
            text = file.read()
        for sample, real in self.real(name, text).items():
            text = text.replace(sample, real)
        return json.loads(text)

    def real(self, name, text):
        product, found = self.product, {KEY: str(uuid.uuid4()), PUBLISH_AT: time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 86400))}
        if name == "identity-register":
            new = f"hana{uuid.uuid4().hex[:12]}"
            return {EMAIL: f"{new}@example.com", r'\"hana\"': rf'\"{new}\"'}
        upload = None
        if VIDEO in text:
            person, upload = self.owned(alone=name in ("videos-delete-video", "videos-publish-video"), publish=name != "videos-publish-video")
        else:
            person = product.person()
        token, email = person["access_token"], person["user"]["email"]
        found |= {USER: person["user"]["id"], EMAIL: email, REFRESH: person["refresh_token"]}
        for sample in set(re.findall(r"Bearer (eyJ[\w.-]+)", text)):
            if not sample.endswith(FORGED):
                found[sample] = product.admin()["access_token"] if '"admin"' in claims(sample) else token
        if name == "identity-erase-user" and USER in text:
            # Only who asked for it is erased.
            product.call("/auth/me", {"password": PASSWORD}, token, "DELETE")
            product.settled()
        if ACTOR in text:
            found[ACTOR] = product.person()["user"]["id"]
        if SESSION in text:
            found[SESSION] = product.call("/auth/sessions", token=token)["items"][0]["id"]
        if NOTIFICATION in text:
            # A like is what somebody is told of.
            owner, liked = self.owned()
            product.call(f"/api/videos/{liked['video_id']}/like", {}, product.person()["access_token"])
            product.settled()
            found |= {t: owner["access_token"] for t in found if t.startswith("eyJ")}
            found[NOTIFICATION] = product.call("/notifications", token=owner["access_token"])["items"][0]["id"]
        if upload:
            found |= {VIDEO: upload["video_id"], UPLOAD: upload["upload_id"], f"prod-uploads-{ACCOUNT}": "local-uploads-000000000000", f"prod-media-{ACCOUNT}": "local-media-000000000000"}
        elif UPLOAD in text:
            found |= self.parts(text, token)
        if COMMENT in text:
            found[COMMENT] = product.call(f"/api/videos/{upload['video_id']}/comments", {"content": "!"}, token)["id"]
        if PLAYBACK in text:
            found[PLAYBACK] = product.call(f"/api/videos/{upload['video_id']}/stream", token=token)["manifest_url"].split("token=")[1]
        return found | self.secrets(name, text, token, email)

    def owned(self, alone=False, publish=True):
        """Somebody with a published video: the same for all who only look, another for who changes its state."""
        def make():
            owner = self.product.person()
            return owner, self.product.video(owner["access_token"], publish)
        if alone:
            return make()
        with self.lock:
            self.shared = self.shared or make()
            return self.shared

    def parts(self, text, token):
        """The sample's upload in parts, 150 MB; whole where the event says what was sent."""
        upload = self.product.upload(token, 157286400)
        found = {UPLOAD: upload["upload_id"]}
        tags = re.findall(r'etag\\":\\"([0-9a-f]{32})', text)
        if tags:
            urls = [part["url"] for part in self.product.call(f"/api/upload/{upload['upload_id']}/parts", {"part_numbers": list(range(1, upload["part_count"] + 1))}, token)["parts"]]
            for n, (tag, url) in enumerate(zip(tags, urls, strict=True)):
                size = min(upload["part_size"], 157286400 - n * upload["part_size"])
                found[tag] = put(url, bytes(size))
        return found

    def secrets(self, name, text, token, email):
        """Codes and tokens that come by mail, from an authenticator, from a provider."""
        product, found = self.product, {}
        if name == "identity-complete-oauth" and LINK in text:
            url = call(f"{product.api}/auth/oauth/google/start", headers={"accept": "application/json"})["authorize_url"]
            opener = urllib.request.build_opener(Stay)
            back = opener.open(f"{url}&approve={uuid.uuid4().hex}@example.com").headers["location"]
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)
            return {LINK: query["state"][0], OAUTH_CODE: query["code"][0]}
        if LINK in text and name in ("identity-confirm-email", "identity-reset-password"):
            # The mail that greets a new account comes first.
            product.settled()
        if name == "identity-confirm-email" and LINK in text:
            product.call("/auth/email/verify", {}, token)
            found[LINK] = product.link_token(email)
        if name == "identity-reset-password" and LINK in text:
            product.call("/auth/password/forgot", {"email": email})
            found[LINK] = product.link_token(email)
        if CODE in text or name in ("identity-send-mfa-code", "identity-verify-mfa"):
            secret = product.call("/auth/mfa/totp", {}, token)["secret"]
            now = time.time()
            if name == "identity-confirm-totp":
                return {CODE: totp(secret, now)}
            product.call("/auth/mfa/totp/confirm", {"code": totp(secret, now)}, token)
            # A code works once: the next one, which a clock ahead shows already.
            found[CODE] = totp(secret, now + 30)
            if LINK in text:
                found[LINK] = product.call("/auth/login", {"email": email, "password": PASSWORD})["mfa_token"]
        return found


class Stay(urllib.request.HTTPRedirectHandler):
    """Answers a redirect instead of following it."""

    def http_error_302(self, request, answer, *_):
        return answer

    http_error_303 = http_error_307 = http_error_302


def claims(token):
    middle = token.split(".")[1]
    return base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)).decode()
