# 모든 페이지.
language-name = 한국어
time-now = 방금
skip = 본문으로 건너뛰기
nav-label = 계정
nav-account = 계정
nav-devices = 기기
nav-apps = 앱
nav-security = 보안
nav-sign-out = 로그아웃

# 여러 페이지에서 쓰는 말.
sign-in = 로그인
sign-out = 로그아웃
create-account = 계정 만들기
back-to-sign-in = 로그인으로 돌아가기
try-again = 다시 시도
confirm = 확인
email = 이메일
name = 이름
optional = (선택)
code = 6자리 코드

password = 비밀번호
password-current = 현재 비밀번호
password-new = 새 비밀번호
password-show = 표시
password-hide = 숨김
password-hint = 8자 이상, 되도록 15자 이상으로 정하세요. 띄어쓰기도 쓸 수 있고, 서로 관련 없는 단어 몇 개를 이으면 안전합니다.
password-too-short = 너무 짧습니다. 8자 이상 입력해 주세요.
password-too-long = 너무 깁니다. 1024바이트 이하로 입력해 주세요.
password-common = 누구나 먼저 시도해 보는 흔한 비밀번호입니다. 다른 것을 골라 주세요.
password-guessable = 추측하기 쉽습니다. 더 길게 하거나 관련 없는 단어를 덧붙여 주세요.
password-context = 이메일, 이름 또는 서비스 이름과 너무 비슷합니다. 다른 것을 골라 주세요.
password-same-as-old = 지금 쓰는 비밀번호입니다. 새 비밀번호를 입력해 주세요.
password-wrong-current = 현재 비밀번호가 맞지 않습니다.

email-invalid = 이메일 주소를 다시 확인해 주세요. name@example.org 같은 형식이어야 합니다.
name-invalid = 보이지 않는 문자 없이 100자 이하로 입력해 주세요.

busy-throttled = 시도가 너무 많습니다
    .detail = 몇 분 뒤에 다시 시도해 주세요.
busy-throttled-wait = { $minutes }분 뒤에 다시 시도해 주세요.
busy-throttled-recover = 메일로 새 비밀번호를 설정하는 것은 지금도 됩니다.
busy-overloaded = 지금 접속이 몰리고 있습니다
    .detail = 잃어버린 것은 없습니다. 몇 초 뒤에 다시 시도해 주세요.

# 첫 페이지.
home-title = 환영합니다
home-lead = 브라우저와 모든 앱을 계정 하나로 씁니다. 로그인은 한 번에, 로그아웃은 모든 곳에서 한꺼번에.
home-account = 내 계정
home-try = 이렇게 시작해 보세요
home-try-register = 아무 주소로나 가입합니다:
home-try-inbox = 메일은 이 컴퓨터를 벗어나지 않습니다. 여기에서 읽습니다:
home-try-cookie = 주소를 확인하고 로그인하면 이 브라우저에 세션이 생깁니다.
home-try-token = 이번에는 토큰으로 로그인합니다:

# 개발 모드의 메일함.
inbox-title = 개발용 메일함
inbox-link = 개발용 메일함
inbox-lead = 보냈을 메일을 최신순으로 보여 줍니다. 이 컴퓨터 밖으로 나가지 않습니다.
inbox-empty = 아직 메일이 없습니다
inbox-empty-hint = 가입하거나 비밀번호 재설정을 요청하면 메일이 여기에 나타납니다.
inbox-to = 받는 사람
