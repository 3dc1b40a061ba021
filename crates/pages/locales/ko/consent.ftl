consent-title = { $app }에서 계정을 사용하려고 합니다
consent-account = 로그인한 계정 { $email }
consent-deny = 거부
consent-allow = 허용
consent-nothing = 로그인 여부만 확인합니다.
consent-resource = { $resource } 사용

scope-openid = 본인 확인
    .detail = 계정 식별자로 확인
scope-profile = 프로필 확인
    .detail = 이름과 사진 등 프로필 정보
scope-email = 이메일 주소 확인
    .detail = 인증 여부 포함
scope-address = 주소 확인
    .detail = 프로필에 있는 우편 주소
scope-phone = 전화번호 확인
    .detail = 인증 여부 포함
scope-offline-access = 자리를 비워도 연결 유지
    .detail = 앱 메뉴에서 언제든 종료
scope-account = 계정 관리
    .detail = 여기에서 할 수 있는 모든 일
scope-admin = 이 서버 관리
    .detail = 등록된 앱과 모든 사람이 앱에 허용한 권한
scope-other = 이 서비스와 앱이 정한 권한

select-title = 어떤 계정을 쓸까요?
select-lead = { $app }에서 사용할 계정을 골라 주세요.
select-continue = { $email } 계정으로 계속
select-other = 다른 계정 사용
select-other-hint = 먼저 여기에서 로그아웃합니다.

form-post-title = 잠시만 기다려 주세요
form-post-lead = { $host }(으)로 이동하고 있습니다.
form-post-continue = 계속

apps-title = 앱
apps-lead = 내 계정을 쓰도록 허용한 앱입니다. 삭제하면 1초 안에 어디에서나 접근이 끊깁니다.
apps-none = 계정을 사용하는 앱이 없습니다.
apps-since = 허용
apps-remove = 접근 삭제
apps-removed = 접근을 삭제했습니다
    .detail = 그 앱과 토큰은 더 이상 쓸 수 없습니다.
