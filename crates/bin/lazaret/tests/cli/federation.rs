//! Other people's word: temporary credentials for tokens of an identity provider.

use std::path::Path;
use std::process::Command;

use super::guard::{Server, python, script, told, user, verified};

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
