//! Addresses and MIME messages.

use cloud_core::WireError;
use mailparse::{MailAddr, MailHeaderMap as _, ParsedMail};

use super::Outgoing;

/// `user@host` of `Name <user@host>`, in lower case. `None` when it is no single address.
pub(super) fn bare(text: &str) -> Option<String> {
    let parsed = mailparse::addrparse(text).ok()?;
    let address = match parsed.as_slice() {
        [MailAddr::Single(single)] => single.addr.to_lowercase(),
        _ => return None,
    };
    let (user, host) = address.rsplit_once('@')?;
    let plain = !address.contains(char::is_whitespace);
    (!user.is_empty() && !host.is_empty() && plain).then_some(address)
}

/// A MIME message. Sender and recipients given beside it win over its headers, as in SES.
pub(super) fn read(
    raw: &[u8],
    source: Option<&str>,
    destinations: Vec<String>,
) -> Result<Outgoing, WireError> {
    let invalid = |why: String| WireError::bad_request("InvalidParameterValue", why);
    let mail = mailparse::parse_mail(raw).map_err(|e| invalid(e.to_string()))?;
    let header = |name: &str| mail.headers.get_first_value(name);
    let from =
        source.map(str::to_owned).or_else(|| header("From")).ok_or_else(|| invalid("Missing From".into()))?;
    let mut outgoing = Outgoing {
        from,
        subject: header("Subject").unwrap_or_default(),
        raw: Some(String::from_utf8_lossy(raw).into_owned()),
        ..Outgoing::default()
    };
    if destinations.is_empty() {
        outgoing.to = addresses(&mail, "To");
        outgoing.cc = addresses(&mail, "Cc");
        outgoing.bcc = addresses(&mail, "Bcc");
    } else {
        outgoing.to = destinations;
    }
    collect(&mail, &mut outgoing);
    Ok(outgoing)
}

fn addresses(mail: &ParsedMail<'_>, name: &str) -> Vec<String> {
    let text = mail.headers.get_all_values(name).join(", ");
    let Ok(parsed) = mailparse::addrparse(&text) else { return Vec::new() };
    let singles = parsed.iter().flat_map(|addr| match addr {
        MailAddr::Single(single) => vec![single.to_string()],
        MailAddr::Group(group) => group.addrs.iter().map(ToString::to_string).collect(),
    });
    singles.collect()
}

/// The first text and the first HTML part that are no attachments.
fn collect(mail: &ParsedMail<'_>, outgoing: &mut Outgoing) {
    if mail.get_content_disposition().disposition == mailparse::DispositionType::Attachment {
        return;
    }
    let slot = match mail.ctype.mimetype.as_str() {
        "text/html" => &mut outgoing.html,
        "text/plain" => &mut outgoing.text,
        _ => return mail.subparts.iter().for_each(|part| collect(part, outgoing)),
    };
    if slot.is_none() {
        *slot = mail.get_body().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_bare_and_in_lower_case() {
        assert_eq!(bare("Ann Example <Ann@X.test>").as_deref(), Some("ann@x.test"));
        assert_eq!(bare("ann@x.test").as_deref(), Some("ann@x.test"));
        for no in ["", "ann", "@x.test", "a@b, c@d"] {
            assert_eq!(bare(no), None, "{no}");
        }
    }

    #[test]
    fn a_multipart_message_gives_its_decoded_parts() {
        let raw = "From: =?UTF-8?B?5pel5pys?= <jp@x.test>\r\nTo: a@x.test, B <b@x.test>\r\n\
            Subject: =?UTF-8?B?44GT44KT44Gr44Gh44Gv?=\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/alternative; boundary=q\r\n\r\n\
            --q\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5pel5pys\r\n\
            --q\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<b>=31</b>\r\n--q--\r\n";
        let mail = read(raw.as_bytes(), None, Vec::new()).unwrap();
        assert_eq!(mail.subject, "こんにちは");
        assert_eq!(mail.text.as_deref().map(str::trim), Some("日本"));
        assert_eq!(mail.html.as_deref().map(str::trim), Some("<b>1</b>"));
        assert_eq!(mail.to.len(), 2);
        let explicit = read(raw.as_bytes(), Some("s@x.test"), vec!["only@x.test".into()]).unwrap();
        assert_eq!((explicit.from.as_str(), explicit.to), ("s@x.test", vec!["only@x.test".to_owned()]));
    }
}
