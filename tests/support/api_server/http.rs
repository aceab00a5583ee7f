//! HTTP/1.1 as far as a list and a watch need it.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Shared;
use super::store::{Answer, Request, parse};

/// Serves one connection until either side ends it.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut epoch = shared.epoch.subscribe();
    tokio::select! {
        // The client is gone, or we are: nobody is left to tell.
        _ = requests(stream, &shared) => {}
        _ = epoch.changed() => {}
    }
}

async fn requests(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        let target = line.split(' ').nth(1).unwrap_or("/").to_owned();
        // Headers end at an empty line; our clients send no bodies.
        while lines.next_line().await?.is_some_and(|header| !header.is_empty()) {}
        let request = parse(&target);
        let discovery = shared.store().discovery(&target);
        if let Some(answer) = discovery {
            write_answer(&mut writer, &answer).await?;
            continue;
        }
        let refusal = shared.store().refusal(request.as_ref());
        match (refusal, request) {
            (Some(answer), _) => write_answer(&mut writer, &answer).await?,
            (None, Some(request)) if request.query.get("watch").is_some_and(|watch| watch == "true" || watch == "1") => {
                return watch(&mut writer, shared, &request).await;
            }
            (None, Some(request)) => {
                let answer = shared.store().list(&request);
                write_answer(&mut writer, &answer).await?;
            }
            (None, None) => return Ok(()),
        }
    }
    Ok(())
}

async fn write_answer(writer: &mut (impl AsyncWriteExt + Unpin), answer: &Answer) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {} -\r\ncache-control: no-cache, private\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
        answer.code,
        answer.content_type,
        answer.body.len()
    );
    writer.write_all(head.as_bytes()).await?;
    writer.write_all(answer.body.as_bytes()).await
}

async fn write_chunk(writer: &mut (impl AsyncWriteExt + Unpin), text: &str) -> std::io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    writer.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await?;
    writer.flush().await
}

/// Streams events until the client asked us to stop, or the version that it goes on from is forgotten.
async fn watch(writer: &mut (impl AsyncWriteExt + Unpin), shared: &Shared, request: &Request) -> std::io::Result<()> {
    let mut changed = shared.changed.subscribe();
    let mut version: u64 = request.query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
    let seconds = request.query.get("timeoutSeconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(300);
    let deadline = tokio::time::sleep(Duration::from_secs(seconds));
    tokio::pin!(deadline);
    writer.write_all(b"HTTP/1.1 200 -\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").await?;
    loop {
        let events = shared.store().events_after(request, version);
        match events {
            Ok((lines, reached)) => {
                write_chunk(writer, &lines).await?;
                version = reached;
            }
            Err(last) => {
                write_chunk(writer, &last).await?;
                return writer.write_all(b"0\r\n\r\n").await;
            }
        }
        tokio::select! {
            result = changed.changed() => if result.is_err() { return Ok(()) },
            () = &mut deadline => return writer.write_all(b"0\r\n\r\n").await,
        }
    }
}
