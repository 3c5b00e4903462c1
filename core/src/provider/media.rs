//! Where the bytes of an image or a file are: in a data URL, or at an address.

use std::borrow::Cow;

/// The address of an image, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    /// `https://…` or `http://…`
    Web(&'a str),
    Inline(Inline<'a>),
}

/// Bytes as base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inline<'a> {
    /// Lower case, without parameters; empty when it was not said.
    pub mime: Cow<'a, str>,
    pub base64: &'a str,
}

/// Reads an image URL.
///
/// # Errors
/// In words, when it is neither a web address nor base64.
pub(crate) fn url(url: &str) -> Result<Source<'_>, &'static str> {
    if has_prefix(url, "https://") || has_prefix(url, "http://") {
        return Ok(Source::Web(url));
    }
    if has_prefix(url, "data:") {
        return data_url(url).map(Source::Inline);
    }
    Err("the URL must begin with https://, http:// or data:")
}

/// Reads the `file_data` of a file part: a data URL, or base64 alone, whose type the file's name tells.
///
/// # Errors
/// In words, when it is neither.
pub(crate) fn file<'a>(data: &'a str, name: Option<&str>) -> Result<Inline<'a>, &'static str> {
    let mut inline = match has_prefix(data, "data:") {
        true => data_url(data)?,
        false => Inline { mime: Cow::Borrowed(""), base64: data },
    };
    if inline.mime.is_empty() || inline.mime == "application/octet-stream" {
        let by_name = name.and_then(by_extension);
        // "%PDF-" in base64.
        let by_content = inline.base64.starts_with("JVBERi").then_some("application/pdf");
        inline.mime = Cow::Borrowed(by_name.or(by_content).unwrap_or_default());
    }
    match inline.mime.is_empty() {
        true => Err("the file's media type is told neither by a data URL nor by its name"),
        false => Ok(inline),
    }
}

/// The media type that the name, or the path of a URL, ends in.
pub(crate) fn by_extension(name: &str) -> Option<&'static str> {
    let path = name.split(['?', '#']).next().unwrap_or_default();
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "pdf" => "application/pdf",
        "txt" | "text" | "log" => "text/plain",
        "md" | "markdown" => "text/markdown",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "xml" => "text/xml",
        "json" => "application/json",
        "wav" => "audio/wav",
        "mp3" => "audio/mp3",
        "mp4" => "video/mp4",
        _ => return None,
    })
}

/// RFC 2397, in the base64 form only.
fn data_url(url: &str) -> Result<Inline<'_>, &'static str> {
    let (head, base64) = url.split_once(',').ok_or("the data URL has no comma")?;
    let head = head.get("data:".len()..).unwrap_or_default();
    let mut fields = head.split(';');
    let mime = fields.next().unwrap_or_default().trim_ascii();
    if !fields.any(|field| field.trim_ascii().eq_ignore_ascii_case("base64")) {
        return Err("the data URL must be base64");
    }
    let mime = match mime.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(mime.to_ascii_lowercase()),
        false => Cow::Borrowed(mime),
    };
    // Not a registered type, but a common one.
    let mime = if mime == "image/jpg" { Cow::Borrowed("image/jpeg") } else { mime };
    Ok(Inline { mime, base64 })
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_url_is_web_or_base64() {
        let inline = |mime: &'static str, base64| Ok(Source::Inline(Inline { mime: mime.into(), base64 }));
        assert_eq!(url("HTTPS://x/y.png"), Ok(Source::Web("HTTPS://x/y.png")));
        assert_eq!(url("data:image/png;base64,AAA="), inline("image/png", "AAA="));
        assert_eq!(url("data:IMAGE/JPG;charset=x;BASE64,AAA="), inline("image/jpeg", "AAA="));
        for bad in ["", "ftp://x", "file:///etc/passwd", "data:image/png,raw", "data:image/png;base64"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_files_type_is_told_by_its_data_its_name_or_its_first_bytes() {
        let mime = |data, name| file(data, name).map(|inline| inline.mime.into_owned());
        assert_eq!(mime("data:text/csv;base64,AA==", Some("x.pdf")), Ok("text/csv".to_owned()));
        assert_eq!(mime("data:;base64,AA==", Some("x.PDF")), Ok("application/pdf".to_owned()));
        assert_eq!(mime("AA==", Some("notes.txt")), Ok("text/plain".to_owned()));
        assert_eq!(mime("JVBERi0xLjQ=", None), Ok("application/pdf".to_owned()));
        assert!(mime("AA==", Some("x.bin")).is_err());
    }
}
