//! The page at `/`, in a real browser, on the real gateway: on a desk and on a phone.

use serde_json::{Value, json};
use tokio::process::Command;
use whatsapp_simulator::{OWNER, Receipts};

use crate::browser::{Page, Screen, chromium};
use crate::support::{Gateway, Place, within};

const DESK: Screen = Screen { width: 1280, height: 860, phone: false, dark: false };
const PHONE: Screen = Screen { width: 390, height: 844, phone: true, dark: true };

/// Something that anybody may write: markup, a turn of the direction, control characters, a heap of marks, a word that is
/// too long for a phone.
fn hostile() -> String {
    let heap = "\u{301}".repeat(500);
    format!(
        "<img src=x onerror=\"document.title='pwned'\">\u{202e}evil\u{7}\u{1b}[2J\u{200b} Z{heap} {}",
        "w".repeat(400)
    )
}

async fn log_in(page: &mut Page, gateway: &Gateway) {
    page.fill("#token", &gateway.token).await;
    page.click("#login-form button").await;
    page.shows("#stream", "Live").await;
}

/// What a phone reads on the screen.
async fn scanned(page: &mut Page, name: &str) -> String {
    page.until("document.querySelector('#qr').checkVisibility() && document.querySelector('#qr').naturalWidth").await;
    page.eval("document.querySelector('#qr').scrollIntoView({ block: 'center', behavior: 'instant' })").await;
    let (width, height, luma) = page.picture(name).await;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| luma[y * width + x]);
    let codes = image.detect_grids();
    assert_eq!(codes.len(), 1, "one code is on the screen");
    codes[0].decode().expect("it can be read").1
}

/// Nothing went wrong in it, nothing was forbidden to it, and it fits.
async fn assert_whole(page: &mut Page) {
    let wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(page.eval(wide).await, false, "it is wider than the screen");
    assert!(page.faults.is_empty(), "{:?}", page.faults);
    let nameless = "[...document.querySelectorAll('input, textarea')].filter((e) => !e.labels.length).map((e) => e.id)";
    assert_eq!(page.eval(nameless).await, json!([]), "each field has a label");
    let small = "[...document.querySelectorAll('button:not(.who), input:not([type=checkbox])')]\
                 .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44).map((e) => e.id)";
    assert_eq!(page.eval(small).await, json!([]), "each can be hit with a finger");
}

#[tokio::test]
async fn the_parts_that_need_no_browser_pass_their_own_tests() {
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page/parts.test.mjs");
    let output = within("the tests of the parts", Command::new("node").args(["--test", tests]).output()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_desk_it_links_shows_what_comes_sends_and_comes_back() {
    let Some(chromium) = chromium() else { return };
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    let mut page = Page::open(&chromium, &format!("http://{}/", gateway.address), DESK).await;
    page.fill("#token", "pilothouse_0").await;
    page.press_enter().await;
    page.shows("#login-fault", "not, or no longer, the right one").await;
    page.picture("desk-login").await;
    log_in(&mut page, &gateway).await;

    page.shows("#state", "Waiting to be linked").await;
    page.shows("#countdown", "good for another").await;
    let qr = scanned(&mut page, "desk-linking").await;
    assert_eq!(qr, gateway.get("/qr").await.json["qr"].as_str().unwrap());
    within("the scan", place.simulator.scan(&qr)).await.unwrap();
    page.shows("#state", "Connected").await;
    page.shows("#account", OWNER).await;
    page.until("!document.querySelector('#link').checkVisibility() && !document.querySelector('#qr').src").await;

    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.set_receipts(Receipts::Read).await;
    let ben = place.simulator.contact("+584244370180", "Benjamín").await.unwrap();
    ben.send_text("Buenos días. ¿A qué hora salimos?").await.unwrap();
    page.shows("#feed li[data-way=in] .who", "Benjamín").await;
    ana.send_text("Good morning! Is the boat ready?").await.unwrap();
    page.shows("#feed li[data-way=in]", "Is the boat ready?").await;
    page.shows("#feed li[data-way=in] .who", "Ana").await;
    // An answer by the row: who wrote it is the one who gets it.
    page.click("#feed .who").await;
    assert_eq!(page.eval("document.querySelector('#to').value").await, "+15551112222");
    page.fill("#text", "Almost. Come at ten.").await;
    page.press_enter().await;
    let received = within("the message", ana.wait_received(1)).await;
    assert_eq!(received[0].text, "Almost. Come at ten.");
    page.shows("#feed li[data-way=out][data-state=read] .word-of", "read").await;
    page.shows("#send-told", "Accepted").await;
    page.picture("desk-talk").await;
    page.fill("#to", "0424 437").await;
    page.fill("#text", "x").await;
    page.click("#send").await;
    page.shows("#send-told", "starts with +").await;

    ana.send_text(&hostile()).await.unwrap();
    page.until("document.querySelectorAll('#feed li[data-way=in]').length === 3").await;
    let shown = page.eval("document.querySelector('#feed li .body').textContent").await;
    let shown = shown.as_str().unwrap();
    assert!(shown.starts_with("<img src=x onerror=\"document.title='pwned'\">⟨U+202E⟩evil␇␛[2J⟨U+200B⟩ Z"), "{shown}");
    assert_eq!(page.eval("document.querySelectorAll('#feed img').length").await, 0);
    assert_ne!(page.eval("document.title").await, "pwned");
    page.picture("desk-linked").await;
    assert_whole(&mut page).await;

    // The gateway dies and comes back: the page goes on where it was.
    let address = gateway.address.clone();
    gateway.kill().await;
    page.shows("#stream", "No line to the gateway").await;
    ana.send_text("while it was away").await.unwrap();
    let gateway = Gateway::start(&place, &["--listen", &address]).await;
    page.shows("#feed li[data-way=in]", "while it was away").await;
    page.shows("#stream", "Live").await;
    assert_eq!(page.eval("document.querySelectorAll('#feed li').length").await, 5, "each message once");
    // The tab has the token, the browser does not: it was not asked to remember it.
    assert_eq!(page.eval("[sessionStorage.length, localStorage.length]").await, json!([1, 0]));
    page.reload().await;
    page.shows("#feed li[data-way=in]", "while it was away").await;
    page.click("#forget").await;
    page.shows("#login-form", "Token").await;
    let left = "[sessionStorage.length, localStorage.length, document.body.innerText.includes('boat')]";
    assert_eq!(page.eval(left).await, json!([0, 0, false]));
    assert_whole(&mut page).await;
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_it_links_by_a_code_and_logs_out() {
    let Some(chromium) = chromium() else { return };
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    let mut page = Page::open(&chromium, &format!("http://{}/", gateway.address), PHONE).await;
    page.click("#remember").await;
    page.picture("phone-login").await;
    log_in(&mut page, &gateway).await;
    assert_eq!(page.eval("[sessionStorage.length, localStorage.length]").await, json!([0, 1]));
    let qr = scanned(&mut page, "phone-qr").await;
    assert_eq!(qr, gateway.get("/qr").await.json["qr"].as_str().unwrap());

    page.fill("#code-number", "0424").await;
    page.press_enter().await;
    page.shows("#link-fault", "starts with +").await;
    page.fill("#code-number", "+1 555 000-9999").await;
    page.press_enter().await;
    page.shows("#link-code", "-").await;
    page.picture("phone-code").await;
    assert_whole(&mut page).await;
    let code = page.eval("document.querySelector('#code').textContent.replace('-', '')").await;
    assert_eq!(gateway.get("/pairing").await.json["code"], code);
    assert!(within("the code", place.simulator.enter_code(code.as_str().unwrap())).await.unwrap());
    page.shows("#state", "Connected").await;

    let ana = place.simulator.contact("+15551112222", "Ana").await.unwrap();
    ana.send_text("Hola").await.unwrap();
    page.shows("#feed li", "Hola").await;
    page.fill("#to", &ana.number()).await;
    page.fill("#text", "¿Qué tal?").await;
    page.click("#send").await;
    page.shows("#feed li[data-way=out][data-state=delivered]", "¿Qué tal?").await;
    ana.send_text(&hostile()).await.unwrap();
    page.until("document.querySelectorAll('#feed li[data-way=in]').length === 2").await;
    page.eval("scrollTo(0, 0)").await;
    page.picture("phone-linked").await;
    assert_whole(&mut page).await;

    page.click("#log-out").await;
    page.shows("dialog[open]", "Log out this account?").await;
    page.picture("phone-log-out").await;
    page.click("#log-out-yes").await;
    page.shows("#link", "Ask for a code").await;
    assert!(!place.simulator.is_linked().await);
    assert_whole(&mut page).await;
    assert!(gateway.end().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passkey_step_is_done_on_it() {
    let Some(chromium) = chromium() else { return };
    let place = crate::passkey::demanding().await;
    let gateway = Gateway::start(&place, &[]).await;
    let mut page = Page::open(&chromium, &format!("http://{}/", gateway.address), DESK).await;
    log_in(&mut page, &gateway).await;
    let qr = scanned(&mut page, "desk-qr").await;
    within("the scan", place.simulator.scan(&qr)).await.unwrap();
    page.shows("#link-passkey", "passkey").await;
    page.picture("desk-passkey").await;
    page.fill("#passkey-answer", "{}").await;
    page.click("#passkey-form button").await;
    page.until("document.querySelector('#passkey-fault').textContent.length > 10").await;
    let options: Value = gateway.get("/pairing").await.json["options"].clone();
    let answer = place.simulator.answer_passkey(&options).await.unwrap();
    page.fill("#passkey-answer", &answer.to_string()).await;
    page.click("#passkey-form button").await;
    page.shows("#state", "Connected").await;
    assert_whole(&mut page).await;
    assert_eq!(page.eval("document.querySelector('#snippet').value").await, "", "its secrets are off the page");
    assert!(gateway.end().await.success());
}
