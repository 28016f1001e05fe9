// Studio: the client's side of upload → transcode → publish → play, with nothing but the public API.
const $ = (selector) => document.querySelector(selector);
let token = sessionStorage.getItem('token');
let hls;

async function api(method, path, body) {
  const answer = await fetch(path, {
    method,
    credentials: 'include',
    headers: { 'content-type': 'application/json', 'accept-language': 'en', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const json = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(`${json.code}: ${json.detail}${json.errors ? ` (${json.errors.map((e) => `${e.field}: ${e.message}`).join(', ')})` : ''}`);
  return json;
}

const say = (selector, text, bad = false) => {
  $(selector).textContent = text;
  $(selector).className = bad ? 'bad' : '';
};

function signedIn(answer) {
  token = answer.access_token;
  sessionStorage.setItem('token', token);
  say('#who', `signed in as ${answer.user.username}`);
}

$('#sign-in form').onsubmit = async (event) => {
  event.preventDefault();
  try {
    signedIn(await api('POST', '/auth/login', { email: $('#email').value, password: $('#password').value }));
  } catch (error) { say('#who', error.message, true); }
};

$('#register').onclick = async () => {
  try {
    const username = $('#email').value.split('@')[0].replace(/\W/g, '') + Math.floor(Math.random() * 10000);
    signedIn(await api('POST', '/auth/register', { email: $('#email').value, password: $('#password').value, username }));
  } catch (error) { say('#who', error.message, true); }
};

function typeOf(file) {
  const byName = { mp4: 'video/mp4', mov: 'video/quicktime', webm: 'video/webm', mkv: 'video/x-matroska', avi: 'video/x-msvideo', ts: 'video/mp2t' };
  return file.type || byName[file.name.split('.').pop().toLowerCase()] || 'application/octet-stream';
}

async function sendParts(upload, file) {
  const urls = new Map(upload.parts.map((part) => [part.part_number, part.url]));
  const count = Math.ceil(file.size / upload.part_size);
  const parts = [];
  for (let number = 1; number <= count; number += 1) {
    if (!urls.has(number)) {
      const numbers = Array.from({ length: Math.min(20, count - number + 1) }, (_, i) => number + i);
      const more = await api('POST', `/api/upload/${upload.upload_id}/parts`, { part_numbers: numbers });
      more.parts.forEach((part) => urls.set(part.part_number, part.url));
    }
    const bytes = file.slice((number - 1) * upload.part_size, number * upload.part_size);
    const sent = await fetch(urls.get(number), { method: 'PUT', body: bytes });
    if (!sent.ok) throw new Error(`part ${number}: ${sent.status}`);
    parts.push({ part_number: number, etag: sent.headers.get('etag') });
    $('#progress').value = (number / count) * 100;
  }
  await api('POST', `/api/upload/${upload.upload_id}/complete`, { parts });
}

$('#upload form').onsubmit = async (event) => {
  event.preventDefault();
  const file = $('#file').files[0];
  $('#progress').hidden = false;
  try {
    const upload = await api('POST', '/api/upload/initiate', {
      filename: file.name, content_type: typeOf(file), size_bytes: file.size, kind: 'video', title: $('#title').value,
    });
    say('#state', 'uploading …');
    if (upload.method === 'put') {
      const sent = await fetch(upload.url, { method: 'PUT', body: file, headers: upload.headers });
      if (!sent.ok) throw new Error(`upload: ${sent.status}`);
    } else await sendParts(upload, file);
    for (;;) {
      const status = await api('GET', `/api/videos/${upload.video_id}/status`);
      $('#progress').value = status.progress_percent;
      say('#state', `${status.status} ${status.progress_percent} %`);
      if (status.status === 'failed') throw new Error(`${status.error.code}: ${status.error.detail}`);
      if (status.status === 'ready') break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await api('POST', `/api/videos/${upload.video_id}/publish`, {});
    say('#state', `published as ${upload.video_id}`);
    $('#video-id').value = upload.video_id;
    await play(upload.video_id);
  } catch (error) { say('#state', error.message, true); }
};

async function play(id) {
  const player = $('#player');
  const stream = await api('GET', `/api/videos/${id}/stream`);
  say('#playing', `${stream.renditions.map((r) => `${r.name} ${r.width}×${r.height}`).join(', ')} · signed until ${stream.expires_at}`);
  // `manifest_url` needs no cookies: every URI in it is signed.
  if (hls) hls.destroy();
  if (window.Hls && window.Hls.isSupported()) {
    hls = new window.Hls();
    hls.loadSource(stream.manifest_url);
    hls.attachMedia(player);
    hls.on(window.Hls.Events.ERROR, (_, data) => { if (data.fatal) say('#playing', `${data.type} ${data.details}`, true); });
  } else player.src = stream.manifest_url;
  await player.play().catch(() => {});
}

$('#watch form').onsubmit = (event) => {
  event.preventDefault();
  play($('#video-id').value.trim()).catch((error) => say('#playing', error.message, true));
};

const wanted = new URLSearchParams(location.search).get('video');
if (wanted) {
  $('#video-id').value = wanted;
  play(wanted).catch((error) => say('#playing', error.message, true));
}
