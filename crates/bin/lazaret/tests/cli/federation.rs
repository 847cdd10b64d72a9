//! Other people's word: temporary credentials for tokens of an identity provider.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::guard::{Server, python, script, told, user, verified};
use super::run::run;

/// Runs `sts.py` and gives what it prints.
fn sts(python: &Path, s3: &str, folder: &Path, what: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(python)
        .arg(script("sts.py"))
        .args([s3, &folder.display().to_string(), what])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {out}\n{err}");
    out.into_owned()
}

#[test]
fn a_pipeline_gets_credentials_for_its_provider_s_word() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    sts(&python, "-", folder, "keys", &[]);
    let settings = format!(
        "[[issuers]]\nissuer = \"https://ci.example.org\"\naudiences = [\"lazaret\"]\njwks_file = \"{}/jwks.json\"\n",
        folder.display()
    );
    let config = folder.join("lazaret.toml");
    std::fs::write(&config, settings).unwrap();
    told(folder, &["study", "create", "onc-9"]);
    told(folder, &["user", "add", "pipeline", "--kind", "service"]);
    told(folder, &["grant", "pipeline", "--study", "onc-9", "--actions", "list,read,write"]);
    let tied = ["--issuer", "https://ci.example.org", "--subject", "repo:trial/pipeline"];
    told(folder, &[&["user", "link", "pipeline"], tied.as_slice()].concat());
    let links = told(folder, &["user", "links", "pipeline"]);
    assert_eq!(links["subject"], "repo:trial/pipeline");
    user(folder, "other", &["--study", "onc-9", "--role", "reader"]);

    let server = Server::with(folder, &["--config", &config.display().to_string()]);
    assert!(sts(&python, &server.s3, folder, "assume", &[]).contains("all answered"));
    drop(server);

    let server = Server::with(folder, &["--config", &config.display().to_string()]);
    let file = folder.join("token").display().to_string();
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::000000000000:role/pipeline"),
        ("AWS_ROLE_SESSION_NAME", "run-19"),
        ("AWS_ENDPOINT_URL", server.s3.as_str()),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ];
    assert!(sts(&python, &server.s3, folder, "file", &variables).contains("aligned reads"));

    // Once nobody vouches any more, what was given for the word is worth nothing.
    let kept = std::fs::read_to_string(folder.join("credentials.json")).unwrap();
    let read = format!(
        "import json, sys, boto3\nfrom botocore.config import Config\nkept = json.loads({kept:?})\n\
         s3 = boto3.client('s3', endpoint_url=sys.argv[1], aws_access_key_id=kept['AccessKeyId'], \
         aws_secret_access_key=kept['SecretAccessKey'], aws_session_token=kept['SessionToken'], \
         region_name='us-east-1', config=Config(s3={{'addressing_style': 'path'}}, retries={{'max_attempts': 1}}))\n\
         try:\n    print(s3.get_object(Bucket='onc-9', Key='note.txt')['Body'].read().decode())\n\
         except Exception as error:\n    print('refused', error)\n"
    );
    let read = || {
        let output = Command::new(&python).args(["-c", &read, &server.s3]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    assert!(read().contains("aligned reads"), "{}", read());
    let gone = told(folder, &[&["user", "unlink"], tied.as_slice()].concat());
    assert_eq!((gone["name"].as_str(), gone["linked"].as_bool()), (Some("pipeline"), Some(false)));
    assert!(read().contains("refused"), "{}", read());
    verified(folder);
}

/// The folder with the npm package `oidc-provider`; `None` where it is not, which CI does not accept.
fn node_modules() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/test-node");
    let folder = std::env::var_os("LAZARET_TEST_NODE").map_or(folder, PathBuf::from);
    let is_there = folder.join("node_modules/oidc-provider").is_dir();
    if !is_there {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "oidc-provider is missing; the test set-up installs it");
        println!("skipped: no `oidc-provider`; `cargo xtask setup` installs it");
    }
    is_there.then_some(folder)
}

/// A provider that runs as long as this does.
struct Provider {
    child: Child,
    issuer: String,
    /// Kept open: the provider ends when nobody can read what it says.
    _out: BufReader<ChildStdout>,
}

impl Provider {
    fn start(node_modules: &Path, back: &str, secret: &str) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/oidc/provider.mjs");
        let mut child = Command::new("node")
            .arg(program)
            .args([&node_modules.canonicalize().unwrap().display().to_string(), back, secret])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        Self { child, issuer: line.trim().to_owned(), _out: out }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

#[test]
fn people_log_in_through_a_provider_and_their_visas_open_studies() {
    let (Some(python), Some(node_modules)) = (python(), node_modules()) else { return };
    for secret in ["a secret of the tests", ""] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        // The provider must know where people come back to before the console is there.
        let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let provider = Provider::start(&node_modules, &format!("http://{listen}/login/back"), secret);
        let issuer = &provider.issuer;
        let kept = folder.join("secret");
        std::fs::write(&kept, secret).unwrap();
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let secret_file = match secret {
            "" => String::new(),
            _ => format!("client_secret_file = \"{}\"\n", kept.display()),
        };
        let settings = format!(
            "[[issuers]]\nissuer = \"{issuer}\"\n[issuers.login]\nname = \"Example & Co\"\nclient_id = \"lazaret\"\n\
             passport = true\nrole = \"reader\"\n{secret_file}\
             [[visas]]\nissuer = \"{issuer}\"\nvalue = \"https://example.org/datasets/710\"\n\
             source = \"https://dac.example.org\"\nstudy = \"onc-9\"\nrole = \"reader\"\n"
        );
        let config = folder.join("lazaret.toml");
        std::fs::write(&config, settings).unwrap();
        told(folder, &["study", "create", "onc-9"]);
        told(folder, &["user", "add", "ada"]);
        told(folder, &["user", "link", "ada", "--issuer", issuer, "--subject", "ada"]);
        let ada = told(folder, &["access-key", "create", "ada"]).to_string();
        let writer = user(folder, "wes", &["--study", "onc-9", "--actions", "list,read,write"]);
        let server = Server::at(folder, &listen, &["--config", &config.display().to_string()]);
        let console = format!("http://{listen}");
        let output = Command::new(&python)
            .args([script("oidc.py"), console, issuer.clone(), server.s3.clone(), ada, writer])
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && out.contains("all arrived"), "{out}\n{err}");
        server.end();
        verified(folder);
    }
}

#[test]
fn a_directory_provisions_over_the_wire() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let server = Server::at(folder, &listen, &[]);
    let made = told(folder, &["scim-token", "create", "staff", "--issuer", "https://login.example.org"]);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let console = format!("http://{listen}");
    let ask = |arguments: &[&str]| {
        let output = Command::new(&python).arg(script("scim.py")).args([&console, token]).args(arguments).output();
        let output = output.unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}\n{err}");
        out.trim().to_owned()
    };
    let rita = ask(&["add"]);
    assert_eq!(told(folder, &["user", "links", "rita"])["subject"], "r-1");
    told(folder, &["access-key", "create", "rita"]);
    assert_eq!(ask(&["off", &rita]), "off");
    let shut = run(folder, &["user", "list", "--quiet", "--format", "json"]);
    let shut = String::from_utf8_lossy(&shut.stdout).into_owned();
    let line = shut.lines().find(|line| line.contains(&rita)).unwrap();
    assert!(line.contains("\"disabled\":true"), "{line}");
    assert_eq!(told(folder, &["scim-token", "list"])["state"], "good");
    assert_eq!(told(folder, &["scim-token", "revoke", id])["state"], "revoked");
    let refused = Command::new(&python).arg(script("scim.py")).args([&console, token, "off", &rita]).output().unwrap();
    assert!(!refused.status.success(), "a token that was revoked is worth nothing");
    server.end();
    verified(folder);
}
