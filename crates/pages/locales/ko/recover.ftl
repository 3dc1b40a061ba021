recover-title = 비밀번호 재설정
recover-lead = 주소를 입력하시면 새 비밀번호를 정할 수 있는 링크를 보내 드립니다.
recover-submit = 링크 받기
recover-sent-lead = 이 주소로 만든 계정이 있으면 링크가 곧 도착합니다. 링크는 30분 동안 한 번만 쓸 수 있습니다.
recover-sent-wait = 메일이 오지 않았나요? 스팸함을 살펴보고, 가입한 주소가 맞는지 확인해 주세요.

reset-title = 새 비밀번호
reset-lead = 저장하면 모든 기기에서 로그아웃되고, 새 비밀번호로 로그인할 수 있습니다.
reset-submit = 비밀번호 저장
reset-dead-lead = 이미 사용했거나, 30분이 지났거나, 더 새로운 링크를 받으셨습니다.
reset-dead-again = 새 링크 받기
