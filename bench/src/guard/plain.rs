//! The peer: S3 over plain files with the same library, without sealing, rules, record or inspection. Bodies move in pieces
//! of 1 MiB, and the entity tag is an MD5, as the library's own file server does it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use hyper_util::rt::TokioIo;
use md5::{Digest as _, Md5};
use s3s::auth::SimpleAuth;
use s3s::dto::{ETag, GetObjectInput, GetObjectOutput, PutObjectInput, PutObjectOutput, StreamingBlob};
use s3s::service::S3ServiceBuilder;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

const PIECE_BYTES: usize = 1 << 20;

struct Plain(Arc<PathBuf>);

fn failed(error: std::io::Error) -> s3s::S3Error {
    s3_error!(InternalError, "{error}")
}

fn stopped(error: tokio::task::JoinError) -> s3s::S3Error {
    s3_error!(InternalError, "{error}")
}

fn piece(mut file: File) -> std::io::Result<(Bytes, File)> {
    let mut buffer = vec![0; PIECE_BYTES];
    let mut held = 0;
    while let Some(room) = buffer.get_mut(held..).filter(|room| !room.is_empty()) {
        match file.read(room)? {
            0 => break,
            count => held += count,
        }
    }
    buffer.truncate(held);
    Ok((Bytes::from(buffer), file))
}

#[async_trait::async_trait]
impl S3 for Plain {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let file = File::open(self.0.join(&request.input.key)).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let pieces = stream::try_unfold(file, |file| async move {
            let read = tokio::task::spawn_blocking(move || piece(file)).await;
            let (bytes, file) = read.map_err(std::io::Error::other)??;
            std::io::Result::Ok((!bytes.is_empty()).then_some((bytes, file)))
        });
        let output = GetObjectOutput {
            body: Some(StreamingBlob::wrap(pieces)),
            content_length: i64::try_from(length).ok(),
            ..GetObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let mut file = File::create(self.0.join(&input.key)).map_err(failed)?;
        let mut body = input.body.ok_or_else(|| s3_error!(IncompleteBody))?;
        let mut md5 = Md5::new();
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|error| s3_error!(IncompleteBody, "{error}"))?;
            md5.update(&bytes);
            let written = tokio::task::spawn_blocking(move || file.write_all(&bytes).map(|()| file)).await;
            file = written.map_err(stopped)?.map_err(failed)?;
        }
        let digest: [u8; 16] = md5.finalize().into();
        let output = PutObjectOutput { e_tag: Some(ETag::Strong(super::hex(&digest))), ..PutObjectOutput::default() };
        Ok(S3Response::new(output))
    }
}

/// Serves `folder` until the process is killed; prints its address, key and secret.
pub(super) async fn serve(folder: PathBuf) -> Result<()> {
    let mut builder = S3ServiceBuilder::new(Plain(Arc::new(folder)));
    builder.set_auth(SimpleAuth::from_single("peer", "peer-secret"));
    let service = builder.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} peer peer-secret", listener.local_addr()?)?;
    out.flush()?;
    drop(out);
    loop {
        let (stream, _) = listener.accept().await.context("a connection")?;
        stream.set_nodelay(true)?;
        let service = service.clone();
        tokio::spawn(async move {
            let served = hyper::server::conn::http1::Builder::new()
                .max_buf_size(PIECE_BYTES)
                .serve_connection(TokioIo::new(stream), service);
            let _broken_or_not = served.await;
        });
    }
}
