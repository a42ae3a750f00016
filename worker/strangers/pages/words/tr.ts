import type { Words } from './words.ts';

export const tr: Words = {
  title: 'Sohbet için bir aktarıcı',
  intro:
    'Bu bir aktarıcıdır (relay): ağı bir sohbet hizmetini engelleyen kişiler için şifreli mesajları o hizmete iletir. Onu bir gönüllü, özgür yazılım Puente (“köprü”) ile çalıştırır; sizin için ücretsizdir. Aktarıcı mesajları okuyamaz ve kendisini kimin kullandığına dair hiçbir kayıt tutmaz.',
  languages: 'Diller',

  link: {
    heading: 'Link',
    link: 'Puente’yi destekleyen bir uygulama için. Bu linkte aktarıcının anahtarı vardır; uygulama, kimsenin aktarıcının yerine geçmediğini bu anahtardan anlar.',
    address: 'Yalnızca adres, daha fazlasını istemeyen bir uygulama için. Mümkünse linki kullanın.',
    copyLink: 'Linki kopyala',
    copyAddress: 'Adresi kopyala',
    qrTitle: 'QR kodu',
    qr: 'Linkin QR kodu, başka bir cihazla taramak için.',
  },

  check: {
    heading: 'Burada çalışıyor mu?',
    asks: 'Kontrol, bu tarayıcıdan başlayarak yolun tamamını gider: aktarıcıya ve onun üzerinden sohbet hizmetine. Yanıtın sohbet hizmetinin kendisinden gelmesi gerekir. Hiçbir hesaba giriş yapmaz. Sorduğu sunucu:',
    asksRelay:
      'Kontrol, bu tarayıcıdan aktarıcıya gider ve 64 KiB veriyi gönderip geri alır. Sohbet hizmetini denemez: bu aktarıcının listesinde, soran herkese yanıt veren bir hizmet yoktur.',
    start: 'Şimdi kontrol et',
    needsScript: 'Kontrol için JavaScript gerekir. Bu sayfadaki diğer her şey onsuz da çalışır.',
    stages: {
      hello: 'Bu tarayıcı aktarıcıya ulaşıyor',
      grant: 'Aktarıcı onu kabul ediyor',
      backend: 'Aktarıcı sohbet hizmetine ulaşıyor',
      answer: 'Sohbet hizmeti yanıt veriyor',
      bulk: '64 KiB gidip geliyor',
    },
    running: 'Kontrol ediliyor. Bir iki saniye, bir sorun varsa bir dakikaya kadar sürer.',
    works: 'Çalışıyor. Sohbet hizmetinin yanıtı {time} içinde geldi.',
    reached: 'Aktarıcı çalışıyor. Yanıtı {time} içinde geldi.',
    remarks: {
      limited: {
        says: 'Ağın fazla veri geçirip geçirmediği denenmedi: aktarıcı buna dakikada bir kez izin verir.',
        next: 'Bunu da denemek için bir dakika sonra yeniden kontrol edin.',
      },
      version: {
        says: 'Ağın fazla veri geçirip geçirmediği denenmedi: bu aktarıcının sürümü bunu desteklemiyor.',
        next: 'Bu sayfayı yeniden yükleyin.',
      },
    },
    failed: 'Çalışmıyor:',
    states: { ok: 'tamam', failed: 'başarısız' },
    broken: 'Kontrol durdu. Bu sayfayı yeniden yükleyin ya da daha yeni bir tarayıcı deneyin.',
    copied: 'Kopyalandı.',
  },

  failures: {
    unreachable: {
      says: 'Aktarıcıya ulaşılamadı.',
      next: 'Başka sitelerin açılıp açılmadığına bakın. Açılıyorsa bu ağ aktarıcıyı engelliyor gibi görünüyor: başka bir adres deneyin.',
    },
    timeout: { says: 'Aktarıcı zamanında bir oturum açmadı.', next: 'Başka bir aktarıcı deneyin.' },
    'carrier-lost': {
      says: 'Aktarıcıyla bağlantı koptu.',
      next: 'Yeniden deneyin; değişmezse başka bir aktarıcı deneyin.',
    },
    'bad-grant': {
      says: 'Gelen yanıt, bu aktarıcının anahtarını elinde tutanın verebileceği bir yanıt değil.',
      next: 'Bu adresi kullanmayın: aktarıcının yerine başkası yanıt veriyor.',
    },
    'wrong-key': {
      says: 'Aktarıcının anahtarı bu linktekinden farklı.',
      next: 'Bu sayfayı yeniden yükleyin ve o zaman gösterdiği linki kullanın.',
    },
    frozen: {
      says: 'Ağ, aktarıcıyla kurulan her bağlantıyı biraz veri geçtikten sonra durduruyor.',
      next: 'Puente bundan önce yeni bir bağlantıya geçer: sohbet çalışır, resimler yavaş gelir. Başka bir adres daha hızlı olabilir.',
    },
    idle: {
      says: 'Kontrol çok uzun sürdü: bu ağdan çok az veri geçiyor.',
      next: 'Yeniden deneyin ya da başka bir ağ deneyin.',
    },
    version: { says: 'Aktarıcı, protokolün bu sürümünü desteklemiyor.', next: 'Bu sayfayı yeniden yükleyin.' },
    full: { says: 'Aktarıcıda yeni bir oturum için yer yok.', next: 'Başka bir aktarıcı deneyin.' },
    limited: {
      says: 'Son bir dakikada buradan çok fazla deneme yapıldı ya da çok fazla hata oldu.',
      next: 'Bir dakika sonra yeniden deneyin.',
    },
    'session-unknown': { says: 'Bu oturum artık aktarıcıda yok.', next: 'Yeniden deneyin.' },
    'backend-not-allowed': {
      says: 'Aktarıcı bu sohbet hizmetine bağlanmıyor.',
      next: 'Bu sayfayı yeniden yükleyin ya da bu hizmete yönelik bir aktarıcı kullanın.',
    },
    'backend-down': {
      says: 'Aktarıcı çalışıyor, ancak sohbet hizmetine bağlanamıyor.',
      next: 'Bir dakika sonra yeniden deneyin, sonra başka bir aktarıcıyla deneyin: hizmet çalışmıyor ya da bu aktarıcıyı reddediyor olabilir.',
    },
    'backend-silent': {
      says: 'Sohbet hizmeti bağlantıyı kabul etti ve hiçbir yanıt vermedi.',
      next: 'Bir dakika sonra yeniden deneyin, sonra başka bir aktarıcıyla deneyin: hizmet çalışmıyor ya da bu aktarıcıyı yok sayıyor olabilir.',
    },
    'backend-strange': {
      says: 'Sohbet hizmetinin yerine yanıt veren sunucu onun dilini konuşmuyor.',
      next: 'Aktarıcıyı çalıştırana haber verin.',
    },
    'backend-reset': { says: 'Sohbet hizmeti bağlantıyı kesti.', next: 'Yeniden deneyin.' },
  },

  use: {
    heading: 'Nasıl kullanılır',
    honest:
      'WhatsApp’ın kendi uygulaması bu adresi doğrudan kabul etmez: proxy ayarı başka türden bir sunucu bekler. İki yol var.',
    speaking: {
      heading: 'Puente’yi destekleyen bir uygulamada',
      before: [
        'Yukarıdaki linki kopyalayın ya da QR kodunu tarayın.',
        'Uygulamada Ayarlar → Depolama ve veriler → Proxy (Settings → Storage and data → Proxy) bölümünü açın. Bazı uygulamalarda başka bir yerdedir.',
        'Linki yapıştırın, kaydedin ve yeşil onay işaretini bekleyin.',
      ],
      after: [],
      note: 'İşaret kırmızı kalırsa uygulama nedenini ve ne yapmanız gerektiğini söyler.',
    },
    gateway: {
      heading: 'WhatsApp’ın kendi uygulamasında, bir bilgisayar yardımıyla',
      before: [
        'Telefonla aynı ağda olan, Linux, macOS ya da Windows (WSL ile) çalıştıran bir bilgisayar kullanın ve üzerine Puente’yi kurun: nasıl yapılacağı README dosyasında yazıyor.',
        'Puente’nin klasöründe şu komutu çalıştırın. Telefona ne yazılacağını gösterir.',
      ],
      after: [
        'Telefonda WhatsApp’ın Ayarlar → Depolama ve veriler → Proxy → Proxy kullan → Proxy ayarla (Settings → Storage and data → Proxy → Use proxy → Set proxy) bölümünü açın. Komutun gösterdiğini sohbet ve medya portlarıyla birlikte yazın, kaydedin ve yeşil onay işaretini bekleyin.',
      ],
      note: 'Aramalar iletilmez. Komut çalıştığı sürece o ağdaki herkes bilgisayarın portlarını kullanabilir. Bu henüz bir telefonla denenmedi.',
    },
    forward: {
      heading: 'Proxy ayarı olan herhangi bir uygulamada, bir bilgisayar yardımıyla',
      before: [
        'Linux, macOS ya da Windows (WSL ile) çalıştıran bir bilgisayar kullanın ve üzerine Puente’yi kurun: nasıl yapılacağı README dosyasında yazıyor.',
        'Puente’nin klasöründe şu komutu çalıştırın.',
      ],
      after: ['Uygulamada bir SOCKS5 proxy ayarlayın: sunucu 127.0.0.1, port 1080, parola yok.'],
      note: 'Aktarıcının listesindeki sohbet hizmetlerine bağlanır, başka hiçbir yere bağlanmaz.',
    },
  },

  sees: {
    heading: 'Kim neyi görebilir',
    cannot: {
      heading: 'Gönüllü bunları göremez',
      items: [
        'ne yazdığınızı, gönderdiğinizi ya da aldığınızı',
        'kiminle sohbet ettiğinizi',
        'hesabınızı, telefon numaranızı ya da parolanızı',
        'adresinizi (IP): aktarıcı sizinle ilgili hiçbir şey kaydetmez',
      ],
    },
    can: {
      heading: 'Görülebilenler',
      items: [
        'Gönüllü, aktarıcının toplamda ne kadar kullanıldığını görür.',
        'Aktarıcının programını çalıştıran Cloudflare, adresinizi, hangi sohbet hizmetine bağlanıldığını, bunun ne zaman ve ne kadar olduğunu görür.',
        'Ağınız, bu adrese bağlandığınızı, bunun ne zaman ve ne kadar olduğunu görür.',
        'Sohbet hizmeti, hesabınızla ilgili her zaman gördüğünü görür, ama adresinizi görmez.',
      ],
    },
    plain:
      'Bu aktarıcı, şifresiz mesaj kabul eden sohbet hizmetlerine de bağlanır. Bir uygulamanın onlara şifresiz gönderdiğini gönüllü ve Cloudflare okuyabilir.',
    note: 'Bunlar, yayımlandığı haliyle Puente için geçerlidir. Bir gönüllü onun yerine başka bir şey çalıştırabilir ve o, adresinizi not edebilir. O bile uygulamanın kendisinin şifrelediğini okuyamaz.',
  },

  counts: {
    heading: 'Ne kadar kullanılıyor',
    period: 'Sayılan süre',
    sessions: 'İletilen oturumlar',
    bytes: 'İletilen veri',
    refused: 'Reddedilen oturumlar',
    about: 'Bunlar toplamlardır. Hiç kimse için ayrı bir sayım yapılmaz.',
  },
};
