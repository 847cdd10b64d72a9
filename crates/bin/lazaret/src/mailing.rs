//! Settings of the mail server by which notices and letters leave.

use std::path::{Path, PathBuf};

use outlets::Sender;
use secrecy::SecretString;
use serde::Deserialize;

use crate::config::Config;
use crate::failure::Failure;
use crate::watching::{protection, secret};

/// The variable that may hold the password in the place of a file.
const PASSWORD: &str = "LAZARET_MAIL_PASSWORD";
/// Where the settings are explained.
const SEE: &str = "see docs/reference/cli.md#settings-of-the-mail-server";

/// The mail server by which notices and letters leave.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailSettings {
    /// The server's name.
    pub server: String,
    /// Its port; 465 with TLS, 587 with STARTTLS, 25 without, when not given.
    pub port: Option<u16>,
    /// `tls` (when not given), `starttls`, `none`.
    pub security: Option<String>,
    /// The user, if it asks for one.
    pub user: Option<String>,
    /// A file with the password, for its owner alone; `LAZARET_MAIL_PASSWORD` when not given.
    pub password_file: Option<PathBuf>,
    /// From whom.
    pub from: String,
    /// Where answers go, if not there.
    pub reply_to: Option<String>,
}

impl Config {
    /// By which server notices and letters leave; `None`: nothing is set. `file` is that of the settings.
    pub(crate) fn sender(&self, file: Option<&Path>) -> Result<Option<Sender>, Failure> {
        let Some(mail) = &self.mail else { return Ok(None) };
        let place = file.map_or_else(String::new, |file| format!(" of `{}`", file.display()));
        let wrong = |key: &str, why: String| Failure::usage(format!("`{key}` under [mail]{place} {why}"));
        if mail.server.trim().is_empty() || mail.server.contains(|c: char| c.is_whitespace() || c == '/') {
            let why = format!("is `{}`, which is no name of a server", mail.server);
            return Err(wrong("server", why).hint("give a name such as mail.example.org, and `port` apart from it"));
        }
        let (security, usual) = protection(mail.security.as_deref()).ok_or_else(|| {
            let other = mail.security.as_deref().unwrap_or_default();
            wrong("security", format!("is `{other}`")).hint("give tls, starttls or none")
        })?;
        let port = mail.port.unwrap_or(usual);
        if port == 0 {
            return Err(wrong("port", "is 0".to_owned()).hint("give the server's port, such as 465, or leave it out"));
        }
        let from_environment = || std::env::var(PASSWORD).ok().filter(|text| !text.is_empty()).map(SecretString::from);
        let credentials = match (&mail.user, &mail.password_file) {
            (None, None) => None,
            (None, Some(_)) => {
                return Err(wrong("password_file", "has no `user` beside it".to_owned()).hint("add `user`"));
            }
            (Some(user), Some(file)) => Some((user.clone(), secret(file)?)),
            (Some(user), None) => {
                let password = from_environment().ok_or_else(|| {
                    wrong("user", format!("has no password: there is no `password_file`, and `{PASSWORD}` is not set"))
                        .hint("give one of them")
                })?;
                Some((user.clone(), password))
            }
        };
        let (server, from, reply_to) = (mail.server.clone(), mail.from.clone(), mail.reply_to.clone());
        let sender = Sender { server, port, security, credentials, from, reply_to };
        sender.check().map_err(|error| {
            let without = Sender { reply_to: None, ..sender.clone() };
            let key = if without.check().is_ok() { "reply_to" } else { "from" };
            wrong(key, format!("is wrong: {error}")).hint("write `name@example.org` or `Name <name@example.org>`")
        })?;
        Ok(Some(sender))
    }

    /// As [`Config::sender`], where something is to be sent.
    pub(crate) fn needed_sender(&self, file: Option<&Path>) -> Result<Sender, Failure> {
        self.sender(file)?.ok_or_else(|| {
            Failure::usage("no mail server is set: nothing can be sent")
                .hint(format!("write `server` and `from` under [mail] in the settings; {SEE}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;

    fn told(text: &str) -> Result<Option<outlets::Sender>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lazaret.toml");
        std::fs::write(&file, text).unwrap();
        let config = Config::read(Some(&file)).map_err(|failure| format!("{failure:?}"))?;
        config.sender(Some(Path::new("lazaret.toml"))).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn the_mail_server_is_read_and_what_is_wrong_is_named_with_its_file() {
        assert!(told("").unwrap().is_none());
        let whole = "[mail]\nserver = \"mail.example.org\"\nfrom = \"Privacy <privacy@example.org>\"\n";
        let sender = told(whole).unwrap().unwrap();
        assert_eq!((sender.port, sender.domain().as_str()), (465, "example.org"));
        let relay = told(&format!("{whole}security = \"starttls\"\nport = 2587\n")).unwrap().unwrap();
        assert_eq!((relay.port, relay.security), (2587, outlets::Security::StartTls));
        for (more, says) in [
            ("security = \"ssl\"\n", "`security` under [mail] of `lazaret.toml` is `ssl`"),
            ("port = 0\n", "`port` under [mail] of `lazaret.toml`"),
            ("user = \"relay\"\n", "LAZARET_MAIL_PASSWORD"),
            ("password_file = \"/x\"\n", "`password_file` under [mail]"),
            ("reply_to = \"nobody\"\n", "`reply_to` under [mail]"),
            ("to = [\"x@example.org\"]\n", "unknown field `to`"),
        ] {
            let why = told(&format!("{whole}{more}")).unwrap_err();
            assert!(why.contains(says), "{more}: {why}");
        }
        let why = told("[mail]\nserver = \"smtp://mail.example.org\"\nfrom = \"a@example.org\"\n").unwrap_err();
        assert!(why.contains("`server` under [mail]"), "{why}");
        let why = told("[mail]\nserver = \"mail.example.org\"\nfrom = \"me\"\n").unwrap_err();
        assert!(why.contains("`from` under [mail]"), "{why}");
    }
}
