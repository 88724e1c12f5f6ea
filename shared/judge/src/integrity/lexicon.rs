//! The lexicon: words of many languages by the concept that they express.
//!
//! A word that ends in `*` stands for every word that begins like it. Words are folded when the lexicon is
//! built, so that they match folded text. Marks such as the grade S are found by their spelling.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::fold::fold_text;

/// A set of concepts, one bit each.
pub(crate) type Concepts = u64;

/// A person or program that grades.
pub(crate) const JUDGE: Concepts = 1;
/// A language model or an assistant.
pub(crate) const MACHINE: Concepts = 1 << 1;
/// A text that answers a task, by a word that is also common elsewhere, such as "answer".
pub(crate) const WORK: Concepts = 1 << 2;
/// A text that was handed in, by a word that says so, such as "submission".
pub(crate) const ENTRY: Concepts = 1 << 3;
/// "This", "my" and "our".
pub(crate) const OWN: Concepts = 1 << 4;
/// "I", "me" and "we".
pub(crate) const SELF: Concepts = 1 << 5;
/// "Other", "remaining" and "competing".
pub(crate) const OTHERS: Concepts = 1 << 6;
/// Grading: "rank", "score", "marks".
pub(crate) const RATE: Concepts = 1 << 7;
/// Winning.
pub(crate) const WIN: Concepts = 1 << 8;
/// The upper end of a scale.
pub(crate) const TOP: Concepts = 1 << 9;
/// The lower end of a scale.
pub(crate) const LOW: Concepts = 1 << 10;
/// "Ignore", "override" and "bypass".
pub(crate) const IGNORE: Concepts = 1 << 11;
/// Instructions and rules.
pub(crate) const RULES: Concepts = 1 << 12;
/// The standard by which work is graded.
pub(crate) const RUBRIC: Concepts = 1 << 13;
/// "Previous", "above" and "original".
pub(crate) const PRIOR: Concepts = 1 << 14;
/// "All", "every" and "completely".
pub(crate) const EVERY: Concepts = 1 << 15;
/// "You" and "your".
pub(crate) const YOU: Concepts = 1 << 16;
/// "Must", "should" and "required".
pub(crate) const MUST: Concepts = 1 << 17;
/// "Please", and endings of requests in languages that put the verb last.
pub(crate) const PLEASE: Concepts = 1 << 18;
/// Verbs that hand out a result: "give", "award", "declare", "output".
pub(crate) const GIVE: Concepts = 1 << 19;
/// "Deserve" and "earn".
pub(crate) const DESERVE: Concepts = 1 << 20;
/// "Meet", "satisfy" and "cover".
pub(crate) const SATISFY: Concepts = 1 << 21;
/// The task that was set: "prompt", "brief".
pub(crate) const TASK: Concepts = 1 << 22;
/// Praise of a text: "comprehensive", "accurate".
pub(crate) const PRAISE: Concepts = 1 << 23;
/// A person or organisation with power over the judge.
pub(crate) const AUTHORITY: Concepts = 1 << 24;
/// "Dear", "attention" and "note".
pub(crate) const ADDRESS: Concepts = 1 << 25;
/// "Reading", "processing" and "reviewing".
pub(crate) const READ: Concepts = 1 << 26;
/// "Reveal" and "repeat".
pub(crate) const REVEAL: Concepts = 1 << 27;
/// "New" and "updated".
pub(crate) const NEW: Concepts = 1 << 28;
/// Restrictions of a model, and modes without them.
pub(crate) const LIMITS: Concepts = 1 << 29;
/// "Not" and "without".
pub(crate) const NOT: Concepts = 1 << 30;
/// "Follow", "apply" and "consider".
pub(crate) const FOLLOW: Concepts = 1 << 31;
/// "Pass" and "approved".
pub(crate) const PASS: Concepts = 1 << 32;
/// Courts, sports and other places with judges.
pub(crate) const COURT: Concepts = 1 << 33;
/// Things with instructions and requirements of their own, such as a job or a package.
pub(crate) const DOMAIN: Concepts = 1 << 34;
/// Pleas for pity.
pub(crate) const PLIGHT: Concepts = 1 << 35;
/// The marketplace's name.
pub(crate) const CLORP: Concepts = 1 << 36;
/// Requirements and constraints.
pub(crate) const REQUIREMENT: Concepts = 1 << 37;
/// "Now" and "pretend".
pub(crate) const NOW: Concepts = 1 << 38;
/// A judge's conclusion, by a word that says nothing else.
pub(crate) const VERDICT: Concepts = 1 << 39;
/// A quality by which texts are graded, such as "clarity".
pub(crate) const QUALITY: Concepts = 1 << 40;
/// The system of a chat: "system", "developer".
pub(crate) const SYSTEM: Concepts = 1 << 41;
/// Attacks on language models, as a subject.
pub(crate) const ATTACK: Concepts = 1 << 42;
/// Chats, as a subject.
pub(crate) const CHAT: Concepts = 1 << 43;
/// Inferior or dishonest work.
pub(crate) const WORSE: Concepts = 1 << 44;
/// "Recommended", "final" and "official", said of a result.
pub(crate) const FINAL: Concepts = 1 << 45;
/// Markup languages, as a subject.
pub(crate) const MARKUP: Concepts = 1 << 46;
/// A prize, payment or payout.
pub(crate) const PRIZE: Concepts = 1 << 47;
/// "Self", as in "self-assessment".
pub(crate) const SELFWORD: Concepts = 1 << 48;

/// Words by concept: English first, then Germanic, Romance and Slavic languages, Turkish, Chinese, Japanese,
/// Korean, Arabic and Hindi.
const WORDS: &[(Concepts, &str)] = &[
    (
        JUDGE,
        "judge judges grader* evaluator* assessor* examiner* ranker* adjudicator* scorer scorers \
         reviewer* juror* jury arbiter raters richter* gutachter* bewerter* prüfer korrektor* \
         preisrichter* juryleden juge juges évaluateur* évaluatrice* correcteur* correctrice* \
         examinateur* juez jueza jueces jurado* evaluador* calificador* juiz juíza juízes avaliador* \
         giudice giudici valutator* valutatrice giuria esaminator* beoordelaar* rechter nakijker* sędzi* \
         oceniając* egzaminator* recenzent* jurorz* hakem* jüri* değerlendirici* puanlayıcı* yargıç* \
         судья судьи судье судью судей судьям оценщик* жюри проверяющ* экзаменатор* 评委 评审 裁判 评分者 评分员 评判 \
         评估者 阅卷 審査員 採点者 評価者 審判 ジャッジ 심사위원 심사자 심사관 평가자 채점자 محكم مقيم المصحح निर्णायक जज मूल्यांकनकर्ता \
         परीक्षक न्यायाधीश dommer* domare* bedömare* bedømmer* تحكيم لجنة",
    ),
    (
        MACHINE,
        "ai llm llms model assistant* bot chatbot gpt chatgpt claude gemini ki sprachmodell* assistent ia \
         modèle modelo asistente assistente modello yapay asystent* модель ассистент* ии 人工智能 模型 助手 モデル \
         アシスタント 인공지능 모델 어시스턴트 الذكاء المساعد النموذج एआई मॉडल सहायक",
    ),
    (
        WORK,
        "svar svaret svaren \
         text texts texte texten textes texto textos testo testi tekst teksten teksty metin metni metne \
         metinler текст тексты тексту 文章 文本 글은 글을 글에 النص पाठ إجابتي مشاركتي answer answers response \
         responses solution solutions output outputs reply replies antwort* lösung* réponse* respuesta* \
         resposta* solución soluciones solução rispost* soluzion* antwoord* oplossing* odpowiedź \
         odpowiedzi odpowiedzią rozwiązani* cevap* cevab* yanıt* çözüm* ответ ответа ответу ответы \
         ответов ответом решение решения 答案 回答 回复 答复 解答 返答 답변 응답 정답 إجاب اجاب الرد الحل उत्तर जवाब समाधान \
         entry entries candidate candidates contestant* beitrag* kandidat* copie candidat* entrega envío \
         envíos candidatura inscrição candidato* consegna candidati elaborato praca pracę pracy başvuru* \
         gönderi* teslim* работа работу работы работе заявка заявку заявки 作品",
    ),
    (
        ENTRY,
        "submission* einreichung* abgabe* soumission* submissão submissões inzending* inzendingen \
         zgłoszeni* 提交 参赛 稿件 投稿 提出物 応募 제출 작품 출품 المشاركة مشارك التقديم تقديم प्रस्तुति प्रविष्टि",
    ),
    (
        OWN,
        "إجابتي مشاركتي yanıtım* cevabım* çözümüm* mijn this my our these dies diese dieser diesen diesem \
         dieses mein* unser* ce cet cette ma mon notre nos esta este mi nuestra nuestro minha meu nossa \
         nosso questa questo mia mio nostra nostro deze dit onze ta tej moja moją moje mój nasza naszą bu \
         benim bizim это эта эту этот этой этому моя мою мой моей моё мне наш наша нашу 本 这个 这份 这篇 此 我的 该 \
         この 私の 이 제 본 나의 이번 هذه هذا इस मेरे मेरा मेरी यह",
    ),
    (
        SELF,
        "mine i me we us ive weve myself ich mir wir uns mich je jai nous moi yo nosotros nós noi mi ik \
         wij mij mnie nam ben bana biz я мы мне нам 我 我们 私 私たち 나 저 우리 저는 أنا نحن मैं मैंने मुझे हम हमें \
         self",
    ),
    (
        OTHERS,
        "andre andra øvrige övriga \
         other others remaining competing rival rivals rest everyone competitor* competitors' anderen \
         andere übrigen restlichen autres otras otros demás restantes outras outros demais altre altri \
         restanti overige inne innych pozostał* diğer* öteki* другие других другим остальные остальных \
         остальным 其他 其它 其余 别的 他の 他人 다른 나머지 الأخرى الآخرين बाकी अन्य दूसरे दूसरों",
    ),
    (
        RATE,
        "karakter poeng poäng betyg* vurder* bedöm* \
         outrank* rank ranks ranked ranking rankings rate rated rating ratings grade grades graded \
         grading score scores scored scoring mark marks points evaluate* evaluation* evaluating assess \
         assesses assessment* judging judged judgement judgment bewert* noten notiere punkt punkte \
         punktzahl einstuf* benot* noter notez classe classez classer classement évalue évaluer évaluez \
         évaluation* puntuación puntuaciones puntúa puntaje puntos califica* clasifica* nota notas \
         avalia* pontuação pontos classifica* classificação valuta* valutazion* voto voti punteggio punti \
         classific* beoordeel* beoordeling* cijfer rangschik* oceń oceni* ocena ocenę oceny ocen punkt* \
         ranking* puan* değerlendir* sırala* sıralama* notu оцен* оцін* балл* рейтинг* ранжир* 评分 打分 得分 \
         分数 评级 排名 评价 评估 名次 評価 採点 点数 得点 順位 ランク スコア 평가 채점 점수 순위 등급 랭킹 تقييم درجة درجات علامة ترتيب قيم قيّم \
         अंक रेटिंग मूल्यांकन स्कोर रैंक ग्रेड श्रेणी",
    ),
    (
        WIN,
        "outrank* vincitric* vencedora ganadora gagnante vinnare crown win wins winner winners winning \
         won victory gewinn* sieg* gagne gagnant* gagner vainqueur* remporte gana ganador* ganar \
         vencedor* vence vencer ganhar ganhador* vincere vincitor* vince winnaar* winnen wygra* zwycię* \
         kazan* kazanan победи* побед* выигр* 获胜 胜出 优胜 冠军 赢家 優勝 勝者 勝ち 우승 승자 فائز الفوز يفوز विजेता जीत",
    ),
    (
        TOP,
        "beste bäst* øverst* överst* først* först* \
         puesto posto plaats platz iyi optimal strongest first 1st highest top best maximum max perfect \
         full flawless number1 beste besten bestnote höchst* erste ersten erster volle vollen maximal* \
         première premier premiers meilleur* maximale parfait* excellente primera primero primer mejor \
         máxim* perfect* primeiro primeira melhor migliore massim* perfett* eerste hoogste najlepsz* \
         najwyższ* pierwsz* maksymaln* birinci* ilk yüksek tam mükemmel первое первая первой первым \
         первый лучш* наивысш* высш* максимальн* 第一 最高 满分 最佳 最好 首位 榜首 滿分 一位 1位 最優秀 満点 最上位 만점 최고 1위 일등 1등 \
         최우수 الأول الأولى الأعلى أعلى كاملة أفضل प्रथम पहला पहले पहली सर्वोच्च सर्वश्रेष्ठ पूरे उच्चतम \
         अधिकतम superior unbeatable",
    ),
    (
        LOW,
        "last lowest worst zero fail failed failing reject rejected disqualif* letzte letzten letzter \
         schlechtest* niedrigst* dernier dernière derniers dernières zéro última último últimas últimos \
         cero peor ultime ultimi laatste laagste nul ostatni* najniżs* sonuncu düşük sıfır последн* низш* \
         ноль 最低 最后 零分 倒数 不合格 最下位 零点 0点 꼴찌 최하위 최저 0점 الأخير أدنى صفر अंतिम शून्य",
    ),
    (
        IGNORE,
        "overlook waive override overriding overridden void obsolete ignore ignoring disregard* forget \
         overrule* bypass* neglect discard supersede* dismiss suspend ignorier* ignoriere vergiss \
         vergesst vergessen missachte* verwirf überschreib* umgehe ignorez ignorer oublie oublier oubliez \
         ignora ignoren ignorar ignorad olvida olvide olvidar desestima* descarta ignorem esqueça esquece \
         esqueçam desconsidere* desconsidera* desconsiderar ignori ignorare ignorate dimentica* trascura* \
         negeer negeert negeren vergeet zignoruj* ignoruj* pomiń zapomnij* yoksay* görmezden gözardı unut \
         unutun игнорир* проигнорир* забудь забудьте отбрось* 忽略 无视 忽視 無視 忘记 忘掉 不要理会 不用管 覆盖 忘れ 무시 잊어 잊고 \
         تجاهل انس अनदेखा नज़रअंदाज़ नजरअंदाज भूल उपेक्षा",
    ),
    (
        RULES,
        "instruction* rules rule guideline* directive* directions prompts prompt policy policies \
         anweisung* instruktion* regeln regel vorgabe* richtlinie* systemprompt* consigne* règles règle \
         directives instruccion* instrucción reglas regla indicaciones directrices instruç* regras regra \
         diretrizes istruzion* regole regola indicazioni instructie* aanwijzing* regels richtlijn* \
         instrukcj* polecen* zasad* wytyczn* reguł* talimat* kural* yönerge* komut* инструкц* указани* \
         правил* 指令 指示 规则 說明 提示词 规定 命令 規則 ルール 지시 규칙 명령 지침 프롬프트 تعليمات التعليمات قواعد أوامر निर्देश नियम \
         आदेश instruct instructed",
    ),
    (
        RUBRIC,
        "rubric* criteria criterion criterions bewertungskriteri* kriterien kriterium bewertungsraster \
         bewertungsmaßst* critère* barème grille criterio* rúbrica* baremo critério* rubrica griglia \
         criteri beoordelingscriteria rubriek kryteri* kryterium kriter* ölçüt* rubrik* критери* рубрик* \
         评分标准 标准 准则 評分標準 評価基準 採点基準 審査基準 基準 기준 채점표 معايير المعايير معيار मानदंड मापदंड कसौटी",
    ),
    (
        PRIOR,
        "previous prior above earlier preceding original initial foregoing bisherig* vorherig* obig* \
         vorangegangen* ursprünglich* oben précédent* antérieur* ci-dessus dessus initiales anterior* \
         previa* previo* arriba precedent* soprastant* sopra iniziali vorige eerdere voorgaande \
         bovenstaande poprzedni* wcześniejsz* powyższ* önceki yukarıdaki предыдущ* прежн* вышеуказанн* \
         вышеприведённ* ранее 之前 先前 以上 上面 上述 前面 以前 これまで 上記 前の 従前 이전 위의 앞선 기존 السابقة السابق أعلاه पिछले \
         पिछली पूर्व उपरोक्त ऊपर",
    ),
    (
        EVERY,
        "all every everything each entire entirely fully completely whatsoever alle alles jede* jeden \
         sämtlich* vollständig* toutes tous tout chaque entièrement todas todos todo toda cada totalmente \
         plenamente tutte tutti tutto ogni pienamente elke volledig wszystk* każd* tüm bütün her tamamen \
         все всё всех всем каждый каждое каждому полностью 所有 全部 每个 每一 一切 完全 全て すべて 全ての あらゆる 모든 전부 완전히 모두 \
         جميع كل كافة सभी सब हर पूरी",
    ),
    (
        YOU,
        "you your yours du dein* ihr ihre ihnen sie vous votre vos tus tu tú usted ustedes su você vocês \
         seu sua seus voi vostro je jouw jullie uw twój twoje twoich twoim sen siz sizin senin ты вы вам \
         тебе ваш* твой твои твоих вас 你 您 あなた 너 당신 귀하 أنت عليك आप आपको आपके तुम",
    ),
    (
        MUST,
        "must should shall obliged required need needs ought have musst muss müssen muß müsst sollst \
         sollen sollte dois devez doit debes debe deben deve devem devi dovete moet moeten musisz musi \
         należy powinien powinna powinno powinieneś zorunda gerek* lazım melisin malısın должен должна \
         должны обязан* следует надо нужно 必须 应该 应当 务必 必ず べき 해야 반드시 يجب ينبغي चाहिए होगा अवश्य",
    ),
    (
        PLEASE,
        "please kindly bitte prière veuillez alsjeblieft gelieve proszę prosimy lütfen verin veriniz edin \
         seçin пожалуйста просьба прошу дайте дай поставь поставьте 请 請 ください 下さい 下さ お願い してくれ つけて 付けて しろ \
         せよ 주세요 주십시오 하십시오 하세요 하라 바랍니다 줘 يرجى الرجاء कृपया दें दीजिए दो करें कीजिए",
    ),
    (
        GIVE,
        "поставить ставить let awarded つけて 付けて dai give gives award awards assign assigns put pick choose \
         select declare return output emit record report crown grant gib geben gebt vergib vergeben setze \
         wähle wählen erkläre kür* donne donner donnez attribue* mets mettez choisis choisissez placez \
         dale dar den otorga* asigna* pon ponga elige declara coloque coloca atribua escolha dia dare \
         assegna* metti mettete scegli* geef geeft plaats kies dać dajcie przyznaj* umieść wybierz ver \
         verin seç ilan дай дайте поставь поставьте присвой* присуди* выбери* объяви* 给 给予 给出 给我 授予 选择 选为 \
         判定 宣布 列为 与え 付け つけ 選ん 선택 부여 주십시오 주세요 선정 أعط اعط امنح ضع اختر दें दीजिए दो चुनें रखें",
    ),
    (
        DESERVE,
        "merezco mereço merezca deserve* merit merits merited worthy earns earned warrant warrants \
         entitled verdient* gebührt mérite* merece* merita* verdien* zasługuj* hak заслужив* достоин* \
         достойн* 应得 值得 应获 ふさわしい 値する 자격 마땅 يستحق تستحق हकदार योग्य",
    ),
    (
        SATISFY,
        "exceeds exceeded einhält eingehalten übertrifft befolgt respecté* cumplido rispettato voldaan \
         uydu* uygun* meet meets met satisfy satisfies satisfied satisfying fulfil fulfils fulfill* \
         fulfilled comply complies complied addresses addressed covers covered adheres erfüll* abgedeckt \
         erfüllt satisfait* rempli* répond respect* cumple* cumplo satisfac* atende* atendi cumpri* \
         soddisf* rispett* voldoe* spełni* karşıl* yerine соответств* выполн* удовлетвор* 满足 符合 达到 涵盖 滿足 \
         満た 満足 充足 충족 만족 부합 يستوفي تستوفي استوف يلبي تلبي يفي पूरा पूरी खरा संतुष्ट coverage",
    ),
    (
        TASK,
        "prompt task brief assignment request asked user's users aufgabe aufgabenstellung auftrag tâche \
         consigne sujet tarea encargo pedido tarefa enunciado compito richiesta traccia opdracht zadani* \
         polecen* görev* istem задани* запрос* 任务 题目 提示 要求 課題 依頼 お題 과제 요청 المهمة السؤال الطلب कार्य \
         प्रश्न",
    ),
    (
        PRAISE,
        "comprehensive accurate thorough complete concise insightful well-structured wellstructured \
         well-organised well-organized organized organised high-quality original excellent outstanding \
         exceptional flawless polished relevant coherent engaging informative correct helpful precise \
         detailed superb exemplary creative umfassend hervorragend ausgezeichnet präzise vollständig \
         korrekt überzeugend exzellent complète excellente précise pertinente exhaustive completa \
         excelente precisa clara exhaustiva correta eccellente esaustiva accurata chiara",
    ),
    (
        AUTHORITY,
        "ceo cto founder admin admins administrator* administrateur* administrador* amministrator* \
         beheerder moderator* operator organiser* organizer* organisator* platform headquarters openai \
         anthropic developers staff official officials supervisor* geschäftsführer* vorstand betreiber \
         pdg organisateur* director dueño plataforma organizador* diretor direttore organizzator* \
         piattaforma administracja dyrektor* organizator* yönetici* kurucu* администра* директор* \
         организатор* руководств* 管理员 首席执行官 平台 主办方 官方 管理者 運営 代表取締役 관리자 운영자 운영진 대표이사 المدير المشرف الإدارة \
         مسؤول व्यवस्थापक प्रशासक संस्थापक qa",
    ),
    (
        ADDRESS,
        "important wichtig dear attention attn note message hey hello hi reminder notice memo hinweis \
         hinweise achtung liebe lieber nachricht cher chère remarque avis bonjour nota aviso estimado \
         estimada querido mensaje atención mensagem atenção attenzione messaggio avviso opmerking geachte \
         bericht uwaga drogi szanowny wiadomość sayın sevgili dikkat mesaj уважаем* внимание сообщение \
         обращение заметка 注意 致 尊敬 备注 通知 注意事項 お知らせ 注記 宛 親愛 안내 주의 참고 친애 알림 께 ملاحظة عزيزي إلى رسالة تنبيه \
         नोट प्रिय ध्यान सूचना संदेश",
    ),
    (
        READ,
        "reading reads processing reviewing evaluating parsing judging scanning summarizing summarize \
         processes evaluates grading",
    ),
    (
        REVEAL,
        "reveal* print repeat dump leak expose reproduce verrat* zeige révèle* révélez montre revela* \
         muestra mostra* rivela* pokaż göster* покажи раскрой 显示 透露 表示 보여 اكشف दिखा",
    ),
    (
        NEW,
        "new updated revised changed neue neuen neues nouvelle* nouveau nueva* nuevo* nova* novo* nuov* \
         nieuwe nowe nowa nowy yeni новые новая новое новый 新 新的 新しい 새로운 جديدة नया नए",
    ),
    (
        LIMITS,
        "restriction* filters filter unrestricted uncensored limitless safeguards guardrails dan \
         developer-mode limits uneingeschränkt* beschränkung* einschränkung* einschraenkung* restricción* \
         restricciones restriç* restrizion* ograniczen* kısıtlama* ограничен* 限制 制限 제한 قيود प्रतिबंध",
    ),
    (
        NOT,
        "stop cease not no dont never without none doesnt nicht kein* keine ohne nie sans aucune aucun \
         jamais sin ningún ninguna nunca sem nenhum senza nessun* niet geen zonder bez değil yok без 不 没有 \
         無い なし ない 없 아니 بدون نہیں नहीं बिना न cannot",
    ),
    (
        FOLLOW,
        "sigas sigan suive volgt przestrzegać uyma applying following follow apply consider use attention \
         obey heed befolge* beachte* folge suis suivez respecte sigue siga segui seguir volg przestrzegaj \
         uygula следуй* соблюдай* 遵循 遵守 理会 従",
    ),
    (
        PASS,
        "pass passed passes passing approve approved approves accepted bestanden genehmigt réussi validé \
         approuvé aprobado aprobada aprovado aprovada superato approvato approvata geslaagd goedgekeurd \
         zaliczon* zatwierdzon* geçti onaylandı зачтено одобрено пройдено 通过 合格 及格 합격 통과 ناجح مقبول \
         उत्तीर्ण स्वीकृत",
    ),
    (
        COURT,
        "yarışma* contest contests competition hackathon tournament championship cook-off bake-off \
         concours concurso concorso wettbewerb wedstrijd konkurs yarışma конкурс 比赛 大赛 コンテスト 대회 مسابقة \
         प्रतियोगिता court courts lawyer attorney law trial hearing defendant plaintiff sentenced \
         criminal honor honour honourable honorable speeding custody lawsuit magistrate gericht tribunal \
         avocat abogad* corte juzgado audiência avvocato sąd mahkeme суд суда суде 法院 法庭 裁判所 법원 محكمة \
         अदालत skating gymnastics contestants pageant boxing eurovision",
    ),
    (
        DOMAIN,
        "job role position employer vacancy posting eligibility visa scholarship grant loan programme \
         regulation* legal applicants diagnosis package box manual label recipe doctor dosage assembly \
         manufacturer's manufacturer packet school club landlord insurance iso fda certification tax \
         mortgage stelle stellenanzeige verpackung packung poste offre puesto empleo vaga posizione \
         annuncio vacature stanowisk* вакансии упаковке 职位 岗位 募集要項 職務 직무 الوظيفة नौकरी traffic games \
         teammates",
    ),
    (
        PLIGHT,
        "desperate desperately dying starving starve homeless evicted eviction cancer surgery suicide beg \
         begging orphan* mercy bankrupt livelihood verzweifelt sterbe krank desesperad* disperat* \
         désespér* zdesperowan* отчаян* умоляю 求求 救命 お願いします 제발 أتوسل विनती",
    ),
    (CLORP, "clorp"),
    (
        REQUIREMENT,
        "eisen requirement* constraint* conditions specification* expectations anforderung* vorgaben \
         exigence* requisito* requisiti vereiste* wymagani* gereksinim* gereklilik* требовани* услови* 要求 \
         条件 要件 요구사항 요구 조건 متطلبات شروط आवश्यकता* शर्तें",
    ),
    (
        NOW,
        "now pretend henceforth jetzt nunmehr désormais maintenant ahora agora adesso ora nu teraz odtąd \
         artık şimdi теперь отныне 现在 从现在起 今から これから 이제 지금부터 الآن अब",
    ),
    (
        VERDICT,
        "verdict* urteil veredicto veredito verdetto oordeel werdykt вердикт 结论 判决 判定 判決 판정 평결 الحكم \
         निर्णय",
    ),
    (
        QUALITY,
        "relevance substance clarity originality accuracy completeness creativity correctness coherence \
         helpfulness conciseness depth specificity quality instruction-following adherence style tone \
         structure usefulness formatting relevanz klarheit originalität genauigkeit vollständigkeit \
         pertinence clarté originalité exactitude relevancia claridad originalidad precisión relevância \
         clareza originalidade precisão pertinenza chiarezza originalità 相关性 清晰度 原创性 准确性 完整性 関連性 明確さ 独創性 \
         正確性 관련성 명확성 독창성 정확성",
    ),
    (
        SYSTEM,
        "desarrollador desenvolvedor entwicklermodus développeur sviluppatore system developer \
         systemhinweis systemnachricht systemmeldung système sistema systeem systemowa systemowy sistem \
         системное система системы 系统 システム 시스템 النظام सिस्टम",
    ),
    (
        ATTACK,
        "injection injections jailbreak* red-team red-teaming adversarial manipulat* phishing \
         prompt-injection* attacks 注入 越狱 インジェクション 인젝션 einschleusung",
    ),
    (
        CHAT,
        "chatbot* chat dialogue dialog conversation transcript assistant assistants bot bots llm persona \
         finetun* fine-tun* chatml template templates system-prompt gespräch dialogo diálogo conversación \
         对话 会話 チャット 대화 llama openai tokens",
    ),
    (
        WORSE,
        "incorrecta* falsch* fausse* errad* sbagliat* неверн* 错误 間違 틀린 خاطئ ग़लत गलत violate violates \
         violam verletzen inferior worse plagiari* copied cheat* cheating wrong incorrect invalid generic \
         weaker flawed unlike minderwertig plagiat* inférieur* inferior* peor* peggior* gorsz* хуже 抄袭 劣 \
         盗用 표절 منسوخ",
    ),
    (
        FINAL,
        "final recommended recommend official overall suggested recommandée recomendada empfohlene \
         endgültige finale 최종 最終 最终 итоговая końcowa",
    ),
    (MARKUP, "xml html tag tags markup svg jsx schema markdown webpage"),
    (
        PRIZE,
        "prize prizes payout reward preisgeld preis premio prêmio prix prijs nagroda ödül приз награда 奖金 \
         奖励 賞金 상금 الجائزة पुरस्कार",
    ),
    (
        SELFWORD,
        "self selbst auto self-assessment selfassessment self-evaluation selbstbewertung \
         selbsteinschätzung autoevaluación autoavaliação autovalutazione zelfbeoordeling samoocena \
         özdeğerlendirme самооценка 自我评价 自评 自我評価 自己評価 자체평가 자기평가",
    ),
];

/// Words by their folded form.
struct Lexicon {
    /// Concepts of a word as a whole, and of the words that begin like it.
    words: HashMap<String, (Concepts, Concepts)>,
    /// Number of characters in the longest word.
    longest: usize,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut lexicon = Lexicon { words: HashMap::new(), longest: 0 };
    for (concept, words) in WORDS {
        for word in words.split_whitespace() {
            let stem = word.strip_suffix('*');
            let folded = fold_text(stem.unwrap_or(word));
            let folded: String = folded.chars().filter(|c| c.is_alphanumeric() || is_mark(*c)).collect();
            lexicon.longest = lexicon.longest.max(folded.chars().count());
            let (whole, begun) = lexicon.words.entry(folded).or_default();
            *(if stem.is_some() { begun } else { whole }) |= concept;
        }
    }
    lexicon
});

/// True for the vowel signs that belong to the words of Indic scripts.
pub(super) const fn is_mark(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{951}'..='\u{957}' | '\u{962}' | '\u{963}'
        | '\u{980}'..='\u{dff}')
}

/// The concepts of one folded word.
pub(super) fn concepts(word: &str) -> Concepts {
    let ends = word.char_indices().map(|(at, c)| at + c.len_utf8()).take(LEXICON.longest);
    ends.fold(0, |all, end| match word.get(..end).and_then(|start| LEXICON.words.get(start)) {
        Some((whole, begun)) => all | begun | if end == word.len() { *whole } else { 0 },
        None => all,
    })
}

/// The longest word of the lexicon with at least `shortest` characters at the beginning of `text`, and its
/// length in bytes.
pub(super) fn longest_word(text: &str, shortest: usize) -> Option<(Concepts, usize)> {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).take(LEXICON.longest);
    let words = ends.skip(shortest.saturating_sub(1)).filter_map(|end| {
        let (whole, begun) = text.get(..end).and_then(|word| LEXICON.words.get(word))?;
        Some((whole | begun, end))
    });
    words.last()
}
